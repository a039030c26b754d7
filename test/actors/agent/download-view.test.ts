// What users are told about a stalled download: why, and what they can do.

import test from 'ava'
import { createActor, fromCallback } from 'xstate'
import { viewOfRun } from '../../../src/actors/agent/download-view.ts'
import { createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { downloadMachine } from '../../../src/machines/download.ts'
import type { DownloadEvent } from '../../../src/machines/download-protocol.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'

const bytes = Buffer.from('the very file')
const spec = {
  id: 1,
  group: 'reef',
  name: 'film.bin',
  share: 'f'.repeat(32),
  manifest: manifestOf('film.bin', bytes),
  path: '/film.bin',
  overwrite: false,
}
const located = (...users: string[]): DownloadEvent => ({
  type: 'swarm.located',
  peers: users.map(user => ({
    user,
    device: 'aaaaaaaaaaaa',
    host: '192.0.2.1',
    port: 1,
    complete: true,
    ticket: { identity: 'i', key: 'k'.repeat(43) },
  })),
})
const keyOf = (user: string) => `${user}/aaaaaaaaaaaa`
const joins = (user: string, have = fullBitfield(1)): DownloadEvent[] => [
  { type: 'peer.ready', peer: keyOf(user), via: 'direct', have },
  { type: 'peer.capacity', peer: keyOf(user), pieces: 1, bytesPerSecond: undefined },
]
const isDropped = (user: string): DownloadEvent[] => [
  { type: 'piece.received', peer: keyOf(user), piece: 0, data: Buffer.from('another file!') },
  { type: 'piece.rejected', peer: keyOf(user), piece: 0 },
]

/** How a stalled run is shown after these events. */
function stalledAfter(...events: DownloadEvent[]) {
  const idle = fromCallback(() => {}) as never
  const machine = downloadMachine.provide({ actors: { store: idle, locator: idle, downloadSession: idle } })
  const run = createActor(machine, {
    input: { spec, spent: { seconds: 0, fetchedBytes: 0, deliveries: [] }, now: () => 0, running: () => 1 },
  }).start()
  for (const event of [{ type: 'store.ready', have: createBitfield(1) } as const, ...events]) run.send(event)
  const { state, error } = viewOfRun(run.getSnapshot(), { pieces: { done: 0, total: 1 } } as never)
  run.stop()
  return { state, ...error }
}

test('A download without online sharers says that it waits for one.', t => {
  t.deepEqual(stalledAfter(located()), {
    state: 'stalled',
    code: 'no-sharers',
    message: 'no peer that has film.bin is online; the download continues when one is',
  })
})

test('A download that stalls because of wrong pieces says so, and how to try those peers again.', t => {
  const dropped = [located('alice'), ...joins('alice'), ...isDropped('alice')]
  t.deepEqual(stalledAfter(...dropped, located('alice')), {
    state: 'stalled',
    code: 'no-sharers',
    message:
      '1 peer sent wrong pieces, and no other peer that has film.bin is online; the download continues when one is, or pause and resume it to try all peers again',
  })
  t.deepEqual(stalledAfter(...dropped, located('alice', 'bob'), ...joins('bob', createBitfield(1))), {
    state: 'stalled',
    code: 'no-sharers',
    message:
      'no connected peer has the 1 missing piece; the download waits for more peers, or pause and resume it to try peers again that sent wrong pieces',
  })
})
