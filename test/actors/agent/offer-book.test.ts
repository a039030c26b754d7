// What is on offer, with a real serving desk and somebody who fetches from it.

import test from 'ava'
import { createOfferBook } from '../../../src/actors/agent/offer-book.ts'
import { bob, offerOf, sharedBytes, startLink, startServer } from '../../helpers/swarm.ts'

test('What the desk could not read for a moment it serves again once it is told what it lacks, and is told nothing else.', async t => {
  const [file, other] = [sharedBytes(1000), sharedBytes(2000)]
  await using server = await startServer()
  const told: string[] = []
  const offers = createOfferBook(
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
  await link.heard.next('link.ready')
  link.actor.send({ type: 'piece.wanted', piece: 0 })
  await link.heard.next('piece.returned')
  await link.heard.next('link.lost')
  isBroken = false
  told.length = 0
  offers.restock()
  t.deepEqual(told, [file.share])
  await link.heard.next('link.ready')
  link.actor.send({ type: 'piece.wanted', piece: 0 })
  t.true((await link.heard.next('piece.received')).data.equals(file.bytes))
})
