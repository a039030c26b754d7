// The port of the download queue: what is under way, and waiting for a download to leave the queue.

import test, { type ExecutionContext } from 'ava'
import { createActor, fromCallback } from 'xstate'
import { downloadTunables } from '../../config/swarm.ts'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { downloadMachine } from '../../src/machines/download.ts'
import type { DownloadInput, StoreCommand } from '../../src/machines/download-protocol.ts'
import { downloadQueueMachine } from '../../src/machines/download-queue.ts'
import { DownloadQueuePort } from '../../src/machines/download-queue-port.ts'
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

/** A run ends once its store has closed, which `closeStores` lets them do. */
function openQueue(t: ExecutionContext) {
  const closings: (() => void)[] = []
  const store = fromCallback<StoreCommand>(({ receive, sendBack }) => {
    sendBack({ type: 'store.ready', have: createBitfield(1) })
    receive(command => {
      if (command.type === 'store.close') closings.push(() => sendBack({ type: 'store.closed' }))
    })
  })
  const idle = fromCallback(() => {}) as never
  const port = new DownloadQueuePort()
  const queue = createActor(
    downloadQueueMachine.provide({
      actors: {
        download: downloadMachine.provide({ actors: { store: store as never, locator: idle, downloadSession: idle } }),
      },
      actions: { attach: ({ self }) => port.attach(self) },
    }),
  )
  t.teardown(() => queue.stop())
  const add = (id: number) => port.send({ type: 'download.enqueue', download: inputOf(id) })
  const closeStores = () => {
    for (const close of closings.splice(0)) close()
  }
  return { port, queue, add, closeStores }
}

test('The port shows the runs of an open queue, and drops what is sent to one that is not.', t => {
  const { port, queue, add } = openQueue(t)
  add(1)
  t.deepEqual([port.isOpen, port.running, port.runs()], [false, 0, []])
  queue.start()
  t.deepEqual([port.isOpen, port.running], [true, 0])
  for (let id = 1; id <= downloadTunables.maxRunning + 1; id += 1) add(id)
  t.is(port.running, downloadTunables.maxRunning)
  t.is(port.runs().length, downloadTunables.maxRunning)
  t.is(port.run(1)?.snapshot.context.spec.id, 1)
  t.is(typeof port.run(1)?.actor, 'string')
  t.is(port.run(downloadTunables.maxRunning + 1), undefined, 'it waits')
  queue.stop()
  t.deepEqual([port.isOpen, port.running, port.run(1)], [false, 0, undefined])
})

test('A download has left once it neither runs nor waits.', async t => {
  const { port, queue, add, closeStores } = openQueue(t)
  queue.start()
  for (let id = 1; id <= downloadTunables.maxRunning + 1; id += 1) add(id)
  const left: number[] = []
  const waiting = downloadTunables.maxRunning + 1
  const bothLeft = [1, waiting].map(id => port.left(id).then(() => left.push(id)))
  const ended = port.runEnded(1)
  port.send({ type: 'download.pause', id: waiting })
  port.send({ type: 'download.pause', id: 1 })
  await new Promise(setImmediate)
  t.deepEqual(left, [waiting], 'the other one is still closing its file')
  closeStores()
  await Promise.all([...bothLeft, ended])
  t.deepEqual(left, [waiting, 1])
})

test('Waiting for a download fails when the queue ends first, or never started.', async t => {
  const { port, queue, add } = openQueue(t)
  await t.throwsAsync(port.left(1), { message: /^bug: / })
  queue.start()
  add(1)
  const left = port.left(1)
  queue.stop()
  await t.throwsAsync(left)
})
