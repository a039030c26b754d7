// What one process shows its watchers, over a connection in memory and by a clock that the test moves.

import test from 'ava'
import { createActor, setup } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import { inspectProcess } from '../../../src/actors/inspection/inspect-process.ts'
import { type Inspection, readInspection } from '../../../src/wire/inspection.ts'
import { watchersOf } from '../../../src/wire/subjects.ts'
import { createLookout } from '../../helpers/lookout.ts'

const lamp = setup({ types: { events: {} as { type: 'turn.on' | 'turn.off' } } }).createMachine({
  id: 'lamp',
  initial: 'dark',
  states: { dark: { on: { 'turn.on': 'lit' } }, lit: { on: { 'turn.off': 'dark' } } },
})
const watcher = '0'.repeat(32)

function inspect() {
  const published: Inspection[] = []
  const { look, until } = createLookout()
  let tell: (text: string) => void = () => {}
  let nowMs = 0
  const timers = new Set<{ everyMs: number; nextMs: number; run: () => void }>()
  const actor = createActor(lamp, { systemId: 'lamp' }).start()
  const end = inspectProcess({
    connection: {
      publish: (_, data) => {
        published.push(readInspection(Buffer.from(String(data)))!)
        look()
      },
      subscribe: (_, options) => {
        tell = text => options!.callback!(null, { data: Buffer.from(text) } as never)
        return { unsubscribe() {} } as never
      },
      flush: async () => {},
      isClosed: () => false,
    },
    me: { user: 'alice', device: 'a'.repeat(12) },
    watchSubjects: [watchersOf('alice')],
    root: actor,
    definitions: () => ({}),
    clock: {
      now: () => nowMs,
      every(everyMs, run) {
        const timer = { everyMs, nextMs: nowMs + everyMs, run }
        timers.add(timer)
        return () => void timers.delete(timer)
      },
    },
  })
  return {
    actor,
    end,
    published,
    timers,
    watch: (...watchers: string[]) => tell(JSON.stringify({ watchers })),
    hear: (text: string) => tell(text),
    advance(ms: number) {
      for (const untilMs = nowMs + ms; nowMs < untilMs; nowMs += 1)
        for (const timer of timers)
          if (timer.nextMs <= nowMs) {
            timer.nextMs += timer.everyMs
            timer.run()
          }
    },
    until,
  }
}

const silenceMs = inspectionTunables.watchEveryMs * (inspectionTunables.missedWatches + 2)
const snapshots = (published: readonly Inspection[]) => published.filter(({ kind }) => kind === 'picture').length
const entered = (published: readonly Inspection[]) =>
  published.flatMap(each =>
    each.kind === 'step' ? each.transitions.flatMap(({ event, targets }) => `${event}: ${targets}`) : [],
  )

test('Once its watcher falls silent, a process publishes nothing, and never publishes later what happened meanwhile.', async t => {
  const inspected = inspect()
  t.teardown(inspected.end)
  inspected.watch(watcher)
  t.is(snapshots(inspected.published), 1)
  inspected.actor.send({ type: 'turn.on' })
  await inspected.until(() => entered(inspected.published).length === 1)

  inspected.advance(silenceMs)
  t.is(inspected.timers.size, 0)
  inspected.actor.send({ type: 'turn.off' })
  inspected.actor.send({ type: 'turn.on' })
  // It comes back, and counts as a new watcher.
  inspected.watch(watcher)
  t.is(snapshots(inspected.published), 2)
  inspected.actor.send({ type: 'turn.off' })
  await inspected.until(() => entered(inspected.published).length > 1)
  t.deepEqual(entered(inspected.published), ['turn.on: lamp.lit', 'turn.off: lamp.dark'])
})

test('A watcher that keeps announcing itself gets one snapshot.', t => {
  const inspected = inspect()
  t.teardown(inspected.end)
  for (let time = 0; time < 10; time += 1) {
    inspected.watch(watcher)
    inspected.advance(inspectionTunables.watchEveryMs)
  }
  t.is(snapshots(inspected.published), 1)
  t.is(inspected.timers.size, 1)
})

test('A malformed announcement starts nothing, and a crowd of watchers gets a bounded number of snapshots.', t => {
  const inspected = inspect()
  t.teardown(inspected.end)
  for (const text of ['', '{', '{"watchers":["x"]}', '{"watchers":"', '{"watchers":[]}', 'null']) inspected.hear(text)
  t.is(inspected.timers.size, 0)
  for (let name = 0; name < inspectionTunables.mostWatchers + 100; name += 1)
    inspected.watch(name.toString(16).padStart(32, '0'))
  t.is(snapshots(inspected.published), inspectionTunables.mostWatchers)
})
