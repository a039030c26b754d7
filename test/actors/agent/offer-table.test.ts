// What is on offer, with a real uploads machine and a peer that fetches from it.

import test from 'ava'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { Offer, UploadsCommand } from '../../../src/machines/swarm-protocol.ts'
import { bob, offerOf, sharedBytes, startServer, startSession } from '../../helpers/swarm.ts'

test('Pieces that could not be read for a moment are served again once the missing offer is added, and nothing else is sent.', async t => {
  const [file, other] = [sharedBytes(1000), sharedBytes(2000)]
  await using server = await startServer()
  const told: string[] = []
  const offers = createOfferTable(
    command => {
      if (command.type === 'offer.added') told.push(command.offer.share)
      server.uploads.send(command)
    },
    { hasIt: offer => server.uploads.getSnapshot().context.offers.get(offer.share) === offer },
  )
  let isBroken = true
  const { read, ...rest } = offerOf(file)
  offers.add({
    ...rest,
    async read(...from) {
      if (isBroken) throw new Error('the disk cannot read')
      return read(...from)
    },
  })
  offers.add(offerOf(other))

  using session = startSession(server.peerFor(bob, file.share), file)
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  await session.heard.next('piece.returned')
  await session.heard.next('peer.lost')
  isBroken = false
  told.length = 0
  offers.restock()
  t.deepEqual(told, [file.share])
  await session.heard.next('peer.ready')
  session.actor.send({ type: 'piece.wanted', piece: 0 })
  t.true((await session.heard.next('piece.received')).data.equals(file.bytes))
})

/** A file of four pieces, offers of some of them, and what an uploads machine that is told of them has. */
function offerFixture() {
  const file = sharedBytes(4 * 512 * 1024)
  const told: UploadsCommand['type'][] = []
  let shown: Offer | undefined
  let found: Offer | undefined
  const table = createOfferTable(
    command => {
      told.push(command.type)
      if (command.type === 'offer.added') shown = command.offer
      if (command.type === 'offer.removed') shown = undefined
    },
    { hasIt: offer => shown === offer, findFile: () => found },
  )
  const partOf = (...pieces: number[]) => {
    const have = createBitfield(4)
    for (const piece of pieces) have.add(piece)
    return offerOf(file, have)
  }
  const findable: Offer = { ...offerOf(file), isFindable: true }
  const setFound = (offer: Offer | undefined) => {
    found = offer
  }
  return { table, told, partOf, whole: offerOf(file), findable, setFound, share: file.share, shown: () => shown }
}

test('A shared file stays on offer, whole, while it is downloaded again and after that download has ended.', t => {
  const { table, told, partOf, whole, share, shown } = offerFixture()
  table.add(whole)
  const download = partOf(0)
  table.add(download)
  download.have.add(1)
  table.announce(download, 1)
  table.restock()
  t.is(shown(), whole)
  t.is(table.find(share), whole)
  t.deepEqual(table.partial(), [])
  table.remove(download)
  t.is(shown(), whole)
  t.deepEqual(told, ['offer.added'], 'and the uploads machine heard nothing else')
})

test('A download that has become a shared file takes its own place without a gap.', t => {
  const { table, told, partOf, whole, shown } = offerFixture()
  const download = partOf(0)
  table.add(download)
  t.deepEqual(table.partial(), [download.share])
  table.add(whole)
  table.remove(download)
  t.is(shown(), whole)
  t.deepEqual(table.partial(), [])
  t.deepEqual(told, ['offer.added', 'offer.added'])
})

test('A file is found when it is asked for, and the uploads actor hears of it only when that matters to peers.', t => {
  const { table, told, findable, setFound, share } = offerFixture()
  t.is(table.find(share), undefined)
  setFound(findable)
  t.is(table.find(share), findable)
  t.deepEqual(table.partial(), [])
  table.restock()
  t.deepEqual(told, [])
  const again: Offer = { ...findable }
  setFound(again)
  table.add(again)
  t.is(table.find(share), again)
  setFound(undefined)
  table.removeFile(share)
  t.is(table.find(share), undefined)
  t.deepEqual(told, ['offer.added', 'offer.removed'], 'peers that fetch it get the new offer, then none')
})

test('A file is on offer before a download of it, and the download takes its place when the file is gone.', t => {
  const { table, told, partOf, findable, setFound, share, shown } = offerFixture()
  setFound(findable)
  const download = partOf(0, 1)
  table.add(download)
  t.is(table.find(share), findable)
  t.deepEqual(told, [])
  setFound(undefined)
  table.removeFile(share)
  t.is(shown(), download)
  t.is(table.find(share), download)
  t.deepEqual(told, ['offer.removed', 'offer.added'])
  setFound(findable)
  table.add(findable)
  t.is(shown(), findable)
  table.remove(download)
  t.is(table.find(share), findable)
  t.deepEqual(told.slice(2), ['offer.added'], 'without a gap')
})

test('Of two downloads of one file, the fuller one is on offer, and the other once that one has ended.', t => {
  const { table, told, partOf, shown } = offerFixture()
  const [fuller, other] = [partOf(1, 2), partOf(0)]
  table.add(fuller)
  table.add(other)
  t.is(shown(), fuller)
  other.have.add(3)
  table.announce(other, 3)
  table.remove(fuller)
  t.is(shown(), other)
  t.deepEqual(told, ['offer.added', 'offer.removed', 'offer.added'], 'who was told of its pieces begins anew')
  other.have.add(1)
  table.announce(other, 1)
  t.is(told.at(-1), 'piece.available')
  table.remove(other)
  t.is(shown(), undefined)
})
