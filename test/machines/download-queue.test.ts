// Which downloads run and which wait, with runs that end when a test says so.

import test, { type ExecutionContext } from 'ava'
import { createActor, fromCallback } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { downloadTunables } from '../../config/swarm.ts'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { downloadMachine } from '../../src/machines/download.ts'
import type {
  DownloadInput,
  DownloadOutput,
  LocatorCommand,
  StoreCommand,
} from '../../src/machines/download-protocol.ts'
import { type DownloadQueueEvent, downloadQueueMachine } from '../../src/machines/download-queue.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const manifest = manifestOf('film.bin', Buffer.alloc(1))
const inputOf = (id: number): DownloadInput => ({
  spec: {
    id,
    group: 'reef',
    name: 'film.bin',
    share: `${id}`.padStart(32, '0'),
    manifest,
    path: `/${id}`,
    overwrite: false,
  },
  spent: { seconds: 0, fetchedBytes: 0, deliveries: [] },
  now: () => 0,
  running: () => 1,
})
const enqueue = (id: number): DownloadQueueEvent => ({ type: 'download.enqueue', download: inputOf(id) })

/** Runs have a store that closes when told to, so a run ends as soon as it is asked to. */
function startQueue(
  t: ExecutionContext,
  { broken = [] as readonly number[], unfinished = [] as readonly number[] } = {},
) {
  const endings: (DownloadOutput & { id: number })[] = []
  const located: number[] = []
  const store = fromCallback<StoreCommand, DownloadInput['spec']>(({ receive, sendBack }) => {
    sendBack({ type: 'store.ready', have: createBitfield(1) })
    receive(command => {
      if (command.type === 'store.close') sendBack({ type: 'store.closed' })
    })
  })
  const locator = fromCallback<LocatorCommand, DownloadInput['spec']>(({ input, receive }) =>
    receive(() => located.push(input.id)),
  )
  const download = downloadMachine.provide({
    actors: {
      store: store as never,
      locator: locator as never,
      downloadSession: fromCallback(() => {}) as never,
    },
    actions: {
      recordEnding: ({ context }, ended) => {
        if (broken.includes(context.spec.id)) throw new Error('the run broke')
        endings.push({ id: context.spec.id, ...ended })
      },
    },
  })
  const actor = createActor(
    downloadQueueMachine.provide({
      actors: { download },
      actions: {
        recordEnding: (_, ended) => endings.push(ended),
        enqueueUnfinished: ({ self }) => {
          for (const id of unfinished) self.send(enqueue(id))
        },
      },
    }),
  )
  actor.start()
  // Its runs look for peers again after a while, for as long as it is not stopped.
  t.teardown(() => actor.stop())
  const running = () => [...actor.getSnapshot().context.running.keys()]
  const waiting = () => actor.getSnapshot().context.waiting.map(({ spec }) => spec.id)
  return { actor, endings, located, running, waiting }
}

test('A limited number of downloads run at once; the others wait in order.', t => {
  const { actor, running, waiting } = startQueue(t)
  for (const id of [1, 2, 3, 4, 5, 6]) actor.send(enqueue(id))
  t.is(downloadTunables.maxRunning, 4)
  t.deepEqual(running(), [1, 2, 3, 4])
  t.deepEqual(waiting(), [5, 6])
  actor.send({ type: 'download.pause', id: 2 })
  t.deepEqual(running(), [1, 3, 4, 5])
  t.deepEqual(waiting(), [6])
})

test('A download that is enqueued twice runs once.', t => {
  const { actor, running, waiting } = startQueue(t)
  for (const id of [1, 2, 3, 4, 5, 5, 1]) actor.send(enqueue(id))
  t.deepEqual([running(), waiting()], [[1, 2, 3, 4], [5]])
})

test('The queue begins with the library’s queued downloads.', t => {
  t.deepEqual(startQueue(t, { unfinished: [7, 9] }).running(), [7, 9])
})

test('A waiting download is paused or cancelled without running; an unknown one changes nothing.', t => {
  const { actor, endings, waiting } = startQueue(t)
  for (const id of [1, 2, 3, 4, 5, 6]) actor.send(enqueue(id))
  actor.send({ type: 'download.pause', id: 5 })
  actor.send({ type: 'download.cancel', id: 6 })
  actor.send({ type: 'download.cancel', id: 99 })
  t.deepEqual(
    endings.map(({ id, ending }) => [id, ending]),
    [
      [5, 'paused'],
      [6, 'cancelled'],
    ],
  )
  t.deepEqual(waiting(), [])
})

test('A run that breaks fails alone and makes room for the next.', t => {
  const { actor, endings, running } = startQueue(t, { broken: [1] })
  for (const id of [1, 2, 3, 4, 5]) actor.send(enqueue(id))
  actor.send({ type: 'download.pause', id: 1 })
  t.like(endings[0], { id: 1, ending: 'failed' })
  t.deepEqual(running(), [2, 3, 4, 5])
  t.is(actor.getSnapshot().status, 'active')
})

test('A download whose run ended can run again under its number.', t => {
  const { actor, running } = startQueue(t)
  actor.send(enqueue(1))
  actor.send({ type: 'download.pause', id: 1 })
  actor.send(enqueue(1))
  t.deepEqual(running(), [1])
})

test('Only downloads of the changed share ask the trackers again, or all of them.', t => {
  const { actor, located } = startQueue(t)
  actor.send(enqueue(1))
  actor.send(enqueue(2))
  t.deepEqual(located, [1, 2])
  actor.send({ type: 'swarm.changed', share: inputOf(2).spec.share })
  t.deepEqual(located, [1, 2, 2])
  actor.send({ type: 'swarm.changed' })
  t.deepEqual(located, [1, 2, 2, 1, 2])
})

test('Suspending ends every run so that the next session can continue it, and then the queue ends.', t => {
  const { actor, endings } = startQueue(t)
  for (const id of [1, 2, 3, 4, 5]) actor.send(enqueue(id))
  actor.send({ type: 'queue.suspend' })
  t.is(actor.getSnapshot().status, 'done')
  t.deepEqual(
    endings.map(({ id, ending }) => [id, ending]),
    [1, 2, 3, 4].map(id => [id, 'suspended']),
  )
})

test('Every state of the queue is reached.', t => {
  const chart = downloadQueueMachine.provide({ guards: { isIdle: ({ event }) => event.type !== 'queue.suspend' } })
  const paths = getShortestPaths(chart, {
    events: [
      { type: 'queue.suspend' },
      { type: 'xstate.done.actor.download-1', output: {} as DownloadOutput, actorId: 'download-1' },
    ],
    serializeState: ({ value }) => JSON.stringify(value),
  })
  t.deepEqual(paths.map(({ state }) => state.value).sort(), ['serving', 'suspended', 'suspending'])
})
