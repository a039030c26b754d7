import test from 'ava'
import { peerTunables } from '../../../config/swarm.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { checkEveryMs } from '../../../src/actors/swarm/idle-watch.ts'
import { RequestPipeline } from '../../../src/actors/swarm/request-pipeline.ts'
import type { Claim, Throttle } from '../../../src/actors/swarm/throttle.ts'
import { type Block, FrameError } from '../../../src/wire/frames.ts'

const { blockBytes, minBlocksInFlight } = peerTunables
const shape = { size: 16 * blockBytes, pieceLength: 8 * blockBytes }

/** A pipeline whose throttle and clock the test plays. */
function start({ isCapped = false } = {}) {
  const sent: Block[] = []
  const claims: Claim[] = []
  let nowMs = 0
  const throttle: Throttle = { isCapped, bytesPerSecond: undefined, claim: claim => void claims.push(claim) }
  const pipeline = new RequestPipeline({
    share: 'a share',
    shape,
    buffers: createBufferPool(0),
    throttle,
    settings: peerTunables,
    send: blocks => void sent.push(...blocks),
    now: () => nowMs,
  })
  const answer = (block: Block) => {
    pipeline.target(block)?.fill(1)
    pipeline.bytesArrived(block.length)
    return pipeline.arrived(block)
  }
  const pass = (ms: number) => {
    nowMs += ms
  }
  return { pipeline, sent, claims, answer, pass }
}

const offsets = (blocks: readonly Block[]) => blocks.map(({ piece, offset }) => [piece, offset / blockBytes])

test('A peer that has not been measured is asked for the least number of blocks, and for one more as each arrives.', t => {
  const { pipeline, sent, answer } = start()
  pipeline.want(1)
  pipeline.fill()
  t.deepEqual(
    offsets(sent),
    Array.from({ length: minBlocksInFlight }, (_, index) => [1, index]),
  )
  answer(sent[0]!)
  pipeline.fill()
  t.is(sent.length, minBlocksInFlight + 1)
})

test('A peer that delivers fast is asked further ahead.', t => {
  const { pipeline, sent, answer, pass } = start()
  pipeline.want(0)
  pipeline.want(1)
  pipeline.fill()
  pass(peerTunables.rateWindowMs)
  answer(sent[0]!)
  t.is(pipeline.bytesPerSecond, (blockBytes * 1000) / peerTunables.rateWindowMs)
  pipeline.fill()
  t.is(sent.length - 1, Math.ceil((pipeline.bytesPerSecond! * peerTunables.pipelineMs) / 1000 / blockBytes))
})

test('The last block of a piece brings the piece, whole.', t => {
  const { pipeline, sent, answer } = start()
  pipeline.want(1)
  for (let index = 0; index < 7; index += 1) {
    pipeline.fill()
    t.is(answer(sent[index]!), undefined)
  }
  const whole = answer(sent[7]!)
  t.is(whole?.piece, 1)
  t.true(whole?.data.every(byte => byte === 1))
})

test('Under a cap, one claim at a time waits, and each use of one requests a single block.', t => {
  const { pipeline, sent, claims } = start({ isCapped: true })
  pipeline.want(0)
  pipeline.fill()
  pipeline.fill()
  t.is(claims.length, 1)
  t.deepEqual(sent, [])
  t.is(claims[0]!.use(), blockBytes)
  t.deepEqual(offsets(sent), [[0, 0]])
  t.is(claims.length, 2)
})

test('Under a cap, claims for the rest of a piece go before claims for the next piece.', t => {
  const { pipeline, claims } = start({ isCapped: true })
  pipeline.want(0)
  pipeline.want(1)
  pipeline.fill()
  while (claims.length < minBlocksInFlight) claims.at(-1)!.use()
  t.deepEqual(
    claims.map(({ key, isBegun }) => [key, isBegun]),
    [false, true, true, true].map(isBegun => ['a share', isBegun]),
  )
})

test('Under a cap, no more is claimed than the pipeline has room for.', t => {
  const { pipeline, claims, sent, answer } = start({ isCapped: true })
  pipeline.want(0)
  pipeline.fill()
  for (let at = 0; at < claims.length; at += 1) claims[at]!.use()
  t.is(claims.length, minBlocksInFlight)
  answer(sent[0]!)
  pipeline.fill()
  t.is(claims.length, minBlocksInFlight + 1)
})

test('A claim that is granted after the end, or with nothing left to request, uses nothing.', t => {
  const { pipeline, claims, sent } = start({ isCapped: true })
  pipeline.want(0)
  pipeline.fill()
  pipeline.unwant(0)
  t.is(claims[0]!.use(), 0)
  pipeline.want(1)
  pipeline.fill()
  pipeline.stop()
  t.is(claims[1]!.use(), 0)
  t.deepEqual(sent, [])
})

test('A peer that owes nothing counts as idle, however long it is silent.', t => {
  const { pipeline } = start()
  for (let count = 0; count < 100; count += 1) t.is(pipeline.check(), 'idle')
})

test('A peer that owes blocks and delivers none finally counts as silent, and is measured meanwhile.', t => {
  const { pipeline, pass } = start()
  pipeline.want(0)
  pipeline.fill()
  let passedMs = 0
  for (; pipeline.check() === 'delivering'; passedMs += checkEveryMs(peerTunables.silentAfterMs))
    pass(checkEveryMs(peerTunables.silentAfterMs))
  t.is(passedMs, peerTunables.silentAfterMs)
  t.is(pipeline.bytesPerSecond, 0)
})

test('A pause of this process does not count as silence of the peer.', t => {
  const { pipeline, pass } = start()
  pipeline.want(0)
  pipeline.fill()
  pass(10 * peerTunables.silentAfterMs)
  t.is(pipeline.check(), 'delivering')
})

test('The time a block waits for the throttle does not count as silence of the peer.', t => {
  const { pipeline, claims } = start({ isCapped: true })
  pipeline.want(0)
  pipeline.fill()
  for (let count = 0; count < 100; count += 1) t.is(pipeline.check(), 'idle')
  claims[0]!.use()
  t.is(pipeline.check(), 'delivering')
})

test('A cancelled piece names its requested blocks, whose answers then bring nothing.', t => {
  const { pipeline, sent, answer } = start()
  pipeline.want(0)
  pipeline.fill()
  t.deepEqual(pipeline.unwant(0), sent)
  t.false(pipeline.refused(0, sent[0]!.offset))
  t.is(answer(sent[1]!), undefined)
})

test('An answer to no request is a FrameError.', t => {
  const { pipeline } = start()
  const block = { piece: 0, offset: 0, length: blockBytes }
  t.throws(() => pipeline.target(block), { instanceOf: FrameError })
  t.throws(() => pipeline.refused(0, 0), { instanceOf: FrameError })
})
