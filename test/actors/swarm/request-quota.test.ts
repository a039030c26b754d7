import test from 'ava'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createRequestQuota } from '../../../src/actors/swarm/request-quota.ts'
import { FrameError } from '../../../src/wire/frames.ts'

test('A peer that takes what it asks for may ask for ever, also for what ends a piece.', t => {
  const conduct = createRequestQuota()
  for (let count = 0; count < 20 * uploadTunables.maxUnearnedRequests; count++) {
    conduct.requested()
    conduct.served(count % 4 === 3 ? 1 : peerTunables.blockBytes)
  }
  t.pass()
})

test('A peer that has every request refused, or asks a byte at a time, is seen through.', t => {
  for (const bytes of [0, 1]) {
    const conduct = createRequestQuota()
    const ask = (times: number) => {
      for (let count = 0; count < times; count++) {
        conduct.requested()
        conduct.served(bytes)
      }
    }
    ask(uploadTunables.maxUnearnedRequests)
    t.throws(() => ask(2), { instanceOf: FrameError, message: /too many requests/ })
  }
})

test('A peer may cancel each request once, and no more.', t => {
  const conduct = createRequestQuota()
  conduct.requested()
  conduct.cancelled()
  t.throws(() => conduct.cancelled(), { instanceOf: FrameError })
})
