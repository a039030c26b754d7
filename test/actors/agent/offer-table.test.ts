// What is on offer, with a real serving desk and somebody who fetches from it.

import test from 'ava'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { Offer, UploadsCommand } from '../../../src/machines/swarm-protocol.ts'
import { bob, offerOf, sharedBytes, startLink, startServer } from '../../helpers/swarm.ts'

test('What the desk could not read for a moment it serves again once it is told what it lacks, and is told nothing else.', async t => {
  const [file, other] = [sharedBytes(1000), sharedBytes(2000)]
  await using server = await startServer()
  const told: string[] = []
  const offers = createOfferTable(
    command => {
      if (command.type === 'offer.added') told.push(command.offer.share)
      server.desk.send(command)
    },
    offer => server.desk.getSnapshot().context.offers.get(offer.share) === offer,
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

  using link = startLink(server.peerFor(bob, file.share), file)
  await link.heard.next('peer.ready')
  link.actor.send({ type: 'piece.wanted', piece: 0 })
  await link.heard.next('piece.returned')
  await link.heard.next('peer.lost')
  isBroken = false
  told.length = 0
  offers.restock()
  t.deepEqual(told, [file.share])
  await link.heard.next('peer.ready')
  link.actor.send({ type: 'piece.wanted', piece: 0 })
  t.true((await link.heard.next('piece.received')).data.equals(file.bytes))
})

/** A file of four pieces, offers of some of them, and what a desk that is told of them has. */
function openBook() {
  const file = sharedBytes(4 * 512 * 1024)
  const told: UploadsCommand['type'][] = []
  let shown: Offer | undefined
  const book = createOfferTable(
    command => {
      told.push(command.type)
      if (command.type === 'offer.added') shown = command.offer
      if (command.type === 'offer.removed') shown = undefined
    },
    offer => shown === offer,
  )
  const partOf = (...pieces: number[]) => {
    const have = createBitfield(4)
    for (const piece of pieces) have.add(piece)
    return offerOf(file, have)
  }
  return { book, told, partOf, whole: offerOf(file), share: file.share, shown: () => shown }
}

test('A shared file stays on offer, whole, while it is downloaded anew, and after that ended.', t => {
  const { book, told, partOf, whole, share, shown } = openBook()
  book.add(whole)
  const download = partOf(0)
  book.add(download)
  download.have.add(1)
  book.announce(download, 1)
  book.restock()
  t.is(shown(), whole)
  t.is(book.find(share), whole)
  t.deepEqual(book.partial(), [])
  book.remove(download)
  t.is(shown(), whole)
  t.deepEqual(told, ['offer.added'], 'and the desk heard nothing else')
})

test('A download that has become a shared file takes its own place without a gap.', t => {
  const { book, told, partOf, whole, shown } = openBook()
  const download = partOf(0)
  book.add(download)
  t.deepEqual(book.partial(), [download.share])
  book.add(whole)
  book.remove(download)
  t.is(shown(), whole)
  t.deepEqual(book.partial(), [])
  t.deepEqual(told, ['offer.added', 'offer.added'])
})

test('What two downloads of a file have is on offer from the fuller one, and from the other once that ended.', t => {
  const { book, told, partOf, shown } = openBook()
  const [fuller, other] = [partOf(1, 2), partOf(0)]
  book.add(fuller)
  book.add(other)
  t.is(shown(), fuller)
  other.have.add(3)
  book.announce(other, 3)
  book.remove(fuller)
  t.is(shown(), other)
  t.deepEqual(told, ['offer.added', 'offer.removed', 'offer.added'], 'who was told of its pieces begins anew')
  other.have.add(1)
  book.announce(other, 1)
  t.is(told.at(-1), 'piece.available')
  book.remove(other)
  t.is(shown(), undefined)
})
