// One process as it is shown, by a connection in memory and a clock that is told to go on.

import test from 'ava'
import { createActor, setup } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import { inspectProcess } from '../../../src/actors/inspection/inspect-process.ts'
import { type Inspection, readInspection } from '../../../src/wire/inspection.ts'
import { watchSubject } from '../../../src/wire/subjects.ts'
import { createLookout } from '../../helpers/lookout.ts'

const lamp = setup({ types: { events: {} as { type: 'turn.on' | 'turn.off' } } }).createMachine({
  id: 'lamp',
  initial: 'dark',
  states: { dark: { on: { 'turn.on': 'lit' } }, lit: { on: { 'turn.off': 'dark' } } },
})
const watcher = '0'.repeat(32)

function show() {
  const published: Inspection[] = []
  const { look, until } = createLookout()
  let tell: (text: string) => void = () => {}
  let nowMs = 0
  const timers = new Set<{ everyMs: number; nextMs: number; run: () => void }>()
  const actor = createActor(lamp, { systemId: 'lamp' }).start()
  const hide = inspectProcess({
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
    watchSubjects: [watchSubject('alice')],
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
    hide,
    published,
    timers,
    watch: (...watchers: string[]) => tell(JSON.stringify({ watchers })),
    hear: (text: string) => tell(text),
    goOn(ms: number) {
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
const pictures = (published: readonly Inspection[]) => published.filter(({ kind }) => kind === 'picture').length
const entered = (published: readonly Inspection[]) =>
  published.flatMap(each =>
    each.kind === 'step' ? each.transitions.flatMap(({ event, targets }) => `${event}: ${targets}`) : [],
  )

test('A watcher that falls silent is forgotten: from then on nothing is said, and what happened meanwhile never is.', async t => {
  const shown = show()
  t.teardown(shown.hide)
  shown.watch(watcher)
  t.is(pictures(shown.published), 1)
  shown.actor.send({ type: 'turn.on' })
  await shown.until(() => entered(shown.published).length === 1)

  shown.goOn(silenceMs)
  t.is(shown.timers.size, 0)
  shown.actor.send({ type: 'turn.off' })
  shown.actor.send({ type: 'turn.on' })
  // It comes back, and is as new as any other.
  shown.watch(watcher)
  t.is(pictures(shown.published), 2)
  shown.actor.send({ type: 'turn.off' })
  await shown.until(() => entered(shown.published).length > 1)
  t.deepEqual(entered(shown.published), ['turn.on: lamp.lit', 'turn.off: lamp.dark'])
})

test('A watcher that goes on saying so is kept, and gets one picture.', t => {
  const shown = show()
  t.teardown(shown.hide)
  for (let time = 0; time < 10; time += 1) {
    shown.watch(watcher)
    shown.goOn(inspectionTunables.watchEveryMs)
  }
  t.is(pictures(shown.published), 1)
  t.is(shown.timers.size, 1)
})

test('What is no word of a watcher begins nothing, and no crowd of them is kept.', t => {
  const shown = show()
  t.teardown(shown.hide)
  for (const text of ['', '{', '{"watchers":["x"]}', '{"watchers":"', '{"watchers":[]}', 'null']) shown.hear(text)
  t.is(shown.timers.size, 0)
  for (let name = 0; name < 200; name += 1) shown.watch(name.toString(16).padStart(32, '0'))
  t.is(pictures(shown.published), 64)
})
