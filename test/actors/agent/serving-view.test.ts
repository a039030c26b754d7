import test from 'ava'
import { inspectionTunables } from '../../../config/inspection.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { servedShares, showServing } from '../../../src/actors/agent/serving-view.ts'
import type { InboundPeer } from '../../../src/machines/uploads-protocol.ts'
import { alice, bob, group, offerOf, sharedBytes } from '../../helpers/swarm.ts'

const file = sharedBytes(10)
const offers = createOfferTable(() => {})
offers.add(offerOf(file))
const peerOf = (holder: typeof bob, share = file.share) =>
  ({ id: holder.user, holder, ticket: { share }, via: 'relay' }) as InboundPeer
const { name } = file.manifest

test('Peers that are being served are grouped by share; a share that is no longer offered is left out.', t => {
  const peers = [peerOf(alice), peerOf(bob), peerOf(bob, 'f'.repeat(32))]
  const served = servedShares({ peers }, offers, { isRecorded: ({ share }) => share === file.share })
  t.deepEqual(served, [{ share: file.share, group, name, isRecorded: true, holders: [alice, bob] }])
})

test('Watchers see each peer with what it fetches, the bytes served, and the upload limit.', t => {
  const shown = showServing({ peers: [peerOf(bob), peerOf(bob, 'f'.repeat(32))], servedBytes: 7 }, offers, 1000)
  t.deepEqual(shown, {
    kind: 'serving',
    limit: 1000,
    bytesServed: 7,
    links: [{ ...bob, group, name, via: 'relay' }],
  })
})

test('No more peers are shown than a message has room for.', t => {
  const peers = Array.from({ length: inspectionTunables.mostServedShown + 1 }, () => peerOf(bob))
  t.is(showServing({ peers, servedBytes: 0 }, offers, null).links.length, inspectionTunables.mostServedShown)
})
