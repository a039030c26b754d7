import test from 'ava'
import { noLimits } from '../../../src/actors/agent/inspectable-download.ts'
import { WatchedDownloads } from '../../../src/actors/agent/watched-downloads.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { DownloadSnapshot } from '../../../src/machines/download.ts'
import { createLedger, openLedger } from '../../../src/machines/download-ledger.ts'
import type { DownloadInput } from '../../../src/machines/download-protocol.ts'
import type { DownloadRun } from '../../../src/machines/download-queue-port.ts'
import type { DownloadState, DownloadView } from '../../../src/wire/agent-api.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'

const manifest = manifestOf('film.bin', Buffer.from('the very file'))

function contextOf(id: number): DownloadSnapshot['context'] {
  const input: DownloadInput = {
    spec: { id, group: 'reef', name: 'film.bin', share: 'f'.repeat(32), manifest, path: '/x', overwrite: false },
    spent: { seconds: 0, fetchedBytes: 0, deliveries: [] },
    now: () => 0,
    running: () => 1,
  }
  const ledger = createLedger(input)
  openLedger(ledger, input, createBitfield(1))
  return { ...input, ledger, startedAtMs: 0, ending: undefined, problem: undefined }
}

const viewOf = (id: number, state: DownloadState): DownloadView => ({
  id,
  group: 'reef',
  name: 'film.bin',
  state,
  pieces: { done: 0, total: 1 },
  bytes: { done: 0, total: manifest.size },
  path: '/x',
  sha1: manifest.sha1,
  peers: 0,
  bytesPerSecond: 0,
  seconds: 0,
  fetchedBytes: 0,
  deliveries: [],
})

/** Downloads in these states; `run` puts one under way. */
function openWatched(keptEnded: number) {
  const states = new Map<number, DownloadState>()
  const runs = new Map<number, DownloadRun>()
  const view = (id: number) => viewOf(id, states.get(id)!)
  const watched = new WatchedDownloads({ runs: () => [...runs.values()] }, view, keptEnded)
  const run = (id: number, context = contextOf(id)) => {
    states.set(id, 'downloading')
    runs.set(id, { actor: `x:${id}`, snapshot: { context } as DownloadSnapshot })
  }
  const end = (id: number, state: DownloadState) => {
    states.set(id, state)
    runs.delete(id)
    watched.keepEnded(contextOf(id))
  }
  const shown = () => watched.shown(noLimits).map(({ download, actor, state }) => [download, actor, state])
  return { watched, states, run, end, shown }
}

test('A download is shown while it runs, and without an actor once its run has ended.', t => {
  const { states, run, end, shown } = openWatched(2)
  run(1)
  t.deepEqual(shown(), [[1, 'x:1', 'downloading']])
  end(1, 'paused')
  t.deepEqual(shown(), [[1, null, 'paused']])
  states.set(1, 'cancelled')
  t.deepEqual(shown(), [[1, null, 'cancelled']], 'cancelled since')
  run(1)
  t.deepEqual(shown(), [[1, 'x:1', 'downloading']], 'resumed')
})

test('The download whose run ended longest ago is the first to be forgotten.', t => {
  const { end, shown } = openWatched(2)
  for (const id of [1, 2, 1, 3]) end(id, 'completed')
  t.deepEqual(
    shown().map(([id]) => id),
    [1, 3],
  )
})

test('Peers count as connected while their session is ready.', t => {
  const { watched, run } = openWatched(0)
  const context = contextOf(1)
  const session = { isOfUse: true, reason: '', have: undefined, limit: undefined }
  context.ledger.sessions.set('alice/aaaaaaaaaaaa', { ...session, state: 'ready' })
  context.ledger.sessions.set('bob/bbbbbbbbbbbb', { ...session, state: 'connecting' })
  run(1, context)
  t.deepEqual(watched.connectedPeers(), ['alice/aaaaaaaaaaaa'])
})
