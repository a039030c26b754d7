// A download as watchers see it, from a run's ledger.

import test from 'ava'
import { noLimits, showDownload, showEnded } from '../../../src/actors/agent/inspectable-download.ts'
import { createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { createLedger, creditDelivery, openLedger } from '../../../src/machines/download-ledger.ts'
import type { DownloadInput } from '../../../src/machines/download-protocol.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { pieceStates } from '../../../src/wire/inspected-download.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'

const pieces = 4
const pieceLength = 512 * 1024
const manifest = manifestOf('film.bin', Buffer.alloc(pieces * pieceLength))
const input: DownloadInput = {
  spec: { id: 1, group: 'reef', name: 'film.bin', share: 'f'.repeat(32), manifest, path: '/x', overwrite: false },
  spent: { seconds: 0, fetchedBytes: 0, deliveries: [] },
  now: () => 1_000,
  running: () => 1,
}
const viewIn = (state: DownloadView['state']): DownloadView => ({
  id: 1,
  group: 'reef',
  name: 'film.bin',
  state,
  pieces: { done: 1, total: pieces },
  bytes: { done: pieceLength, total: manifest.size },
  path: '/x',
  sha1: manifest.sha1,
  peers: 1,
  bytesPerSecond: 1,
  seconds: 1,
  fetchedBytes: pieceLength,
  deliveries: [],
})
const bob = 'bob/aaaaaaaaaaaa'

/** Bob has every piece, reports a limit, has delivered one piece and has requests for the others. */
function underWay() {
  const ledger = createLedger(input)
  const have = createBitfield(pieces)
  openLedger(ledger, input, have)
  ledger.sessions.set(bob, { isOfUse: true, state: 'ready', reason: '', have: fullBitfield(pieces), limit: 2 ** 20 })
  ledger.picker!.peerJoined(bob, fullBitfield(pieces))
  ledger.picker!.setCapacity(bob, 8, undefined)
  const [first] = ledger.picker!.assign(4, 0)
  ledger.picker!.received(bob, first!.piece)
  ledger.picker!.verified(first!.piece)
  have.add(first!.piece)
  creditDelivery(ledger, bob, first!.piece, pieceLength, 1_000)
  return { ...input, ledger, startedAtMs: 0, ending: undefined, problem: undefined }
}
const show = (context: ReturnType<typeof underWay>, state: DownloadView['state'], actor: string | null) =>
  showDownload({ view: viewIn(state), context, actor, limits: noLimits, connections: 1 })

test('A peer is shown with what it has, and with its limit where that is in the way.', t => {
  const shown = show(underWay(), 'downloading', 'x:1')
  t.like(shown.peers[0], { user: 'bob', has: pieces, limit: 2 ** 20, pieces: 1 })
  t.true(shown.peers[0]!.inFlight.length > 0)
  t.is(shown.waits[0]?.sentence, "bob's upload limit of 1 MiB/s is shared by everyone bob serves.")
})

test('The limit of a peer without requests is not mentioned.', t => {
  const context = underWay()
  for (const piece of context.ledger.picker!.inFlightAt(bob)) context.ledger.picker!.returned(bob, piece)
  t.false(show(context, 'downloading', 'x:1').waits.some(({ code }) => code === 'peers-limited'))
})

test('An ended download still shows which peers its pieces came from and its state since, without the manifest.', t => {
  const context = underWay()
  context.ledger.sessions.clear()
  context.ledger.picker!.peerLeft(bob)
  const last = show(context, 'paused', null)
  t.deepEqual(
    last.peers.map(({ state, bytesPerSecond, has }) => [state, bytesPerSecond, has]),
    [['gone', 0, null]],
  )
  t.is(Buffer.from(last.pieceMap, 'base64').filter(state => state === pieceStates.firstPeer).length, 1)
  t.is(last.waits[0]?.sentence, 'It is paused.')
  t.false(JSON.stringify(last).includes(manifest.pieces.slice(0, 40)))
  const later = showEnded(last, viewIn('cancelled'), { ...noLimits, up: 5 })
  t.like(later, { state: 'cancelled', waits: [], pieceMap: last.pieceMap, limits: { up: 5 } })
})
