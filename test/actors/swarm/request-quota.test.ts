import test from 'ava'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createRequestQuota } from '../../../src/actors/swarm/request-quota.ts'
import { FrameError } from '../../../src/wire/frames.ts'

test('A peer that reads its blocks may ask forever, including for the short last blocks of pieces.', t => {
  const conduct = createRequestQuota()
  for (let count = 0; count < 20 * uploadTunables.maxUnearnedRequests; count++) {
    conduct.requested()
    conduct.served(count % 4 === 3 ? 1 : peerTunables.blockBytes)
  }
  t.pass()
})

test('A peer that has every request refused, or asks a byte at a time, exceeds its quota.', t => {
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

test('A peer may cancel each request only once.', t => {
  const conduct = createRequestQuota()
  conduct.requested()
  conduct.cancelled()
  t.throws(() => conduct.cancelled(), { instanceOf: FrameError })
})
