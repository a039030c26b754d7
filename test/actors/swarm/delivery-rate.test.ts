import test from 'ava'
import fc from 'fast-check'
import { downloadTunables, peerTunables } from '../../../config/swarm.ts'
import { blocksAhead, createDeliveryRate, piecesAhead } from '../../../src/actors/swarm/delivery-rate.ts'

const shape = { size: 1e9, pieceLength: 512 * 1024 }

/** A peer that delivers a block every `everyMs`, for `blocks` blocks. */
function deliver(rate: ReturnType<typeof createDeliveryRate>, everyMs: number, blocks: number, fromMs = 0): number {
  let now = fromMs
  rate.began(now)
  for (let count = 1; count <= blocks; count++) {
    now += everyMs
    rate.delivered(peerTunables.blockBytes, now, count === blocks)
  }
  return now
}

test('A steady peer is measured at what it delivers.', t => {
  const rate = createDeliveryRate()
  deliver(rate, 10, 100)
  t.is(Math.round(rate.bytesPerSecond!), peerTunables.blockBytes * 100)
})

test('Time without an outstanding request does not count.', t => {
  const rate = createDeliveryRate()
  let now = 0
  for (let burst = 0; burst < 20; burst++) now = deliver(rate, 10, 10, now + 60_000)
  t.is(Math.round(rate.bytesPerSecond!), peerTunables.blockBytes * 100)
})

test('A peer that slows down is noticed within a few windows.', t => {
  const rate = createDeliveryRate()
  const now = deliver(rate, 1, 1000)
  deliver(rate, 100, 10, now)
  t.true(rate.bytesPerSecond! < peerTunables.blockBytes * 50)
})

test('Whatever a peer delivers, it is asked ahead within the limits, and never less for delivering more.', t => {
  const speed = fc.double({ min: 0, max: 1e10, noNaN: true })
  fc.assert(
    fc.property(speed, speed, (one, other) => {
      const [slow, fast] = one < other ? [one, other] : [other, one]
      for (const ahead of [blocksAhead, (of: number) => piecesAhead(of, shape)]) t.true(ahead(slow) <= ahead(fast))
      t.true(blocksAhead(slow) >= peerTunables.minBlocksInFlight && blocksAhead(fast) <= peerTunables.maxBlocksInFlight)
      t.true(piecesAhead(slow, shape) >= 1 && piecesAhead(fast, shape) <= downloadTunables.maxPiecesPerPeer)
    }),
  )
})

test('An unknown peer is asked for one piece.', t => {
  t.is(piecesAhead(0, shape), 1)
})
