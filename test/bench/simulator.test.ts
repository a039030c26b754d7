// Small swarms in virtual time, with the real picker and choker: the same for the same random seed.

import test from 'ava'
import { type PeerSpec, type SwarmResult, simulateSwarm } from '../../bench/simulator/swarm.ts'
import { seededRandom } from '../helpers/seeded-random.ts'

const rate = 6_250
const pieceBytes = 512 * 1024
const peer = (more: Partial<PeerSpec> = {}): PeerSpec => ({ upBytesPerMs: rate, downBytesPerMs: rate, ...more })
const seed = peer({ isSeed: true })

function simulate(peers: readonly PeerSpec[], pieceCount = 64): SwarmResult & { readonly copies: number } {
  const result = simulateSwarm({ peers, pieceCount, pieceBytes, latencyMs: 10, random: seededRandom(5) })
  return { ...result, copies: result.uploadedBytes[0]! / (pieceCount * pieceBytes) }
}
const isDone = (peers: readonly PeerSpec[], { doneAtMs }: SwarmResult) =>
  peers.every((each, at) => each.isSeed || each.behaviour !== undefined || doneAtMs[at] !== undefined)

test('A lone leecher gets everything once, at full line rate.', t => {
  const { doneAtMs, copies, wastedBytes, declines } = simulate([seed, peer()])
  t.true(doneAtMs[1]! < 1.05 * ((64 * pieceBytes) / rate))
  t.is(copies, 1)
  t.is(wastedBytes, 0)
  t.is(declines, 0)
})

test('With thirty leechers the seed sends hardly more than one copy, and almost nothing arrives twice.', t => {
  const peers = [seed, ...Array<PeerSpec>(30).fill(peer())]
  const result = simulate(peers, 160)
  t.true(isDone(peers, result))
  t.true(result.copies < 1.3)
  t.true(result.wastedBytes < 0.01 * result.usefulBytes)
})

test('A slow seed sends one copy, and every leecher has everything soon after.', t => {
  const slow = { ...seed, upBytesPerMs: rate / 5 }
  const peers = [slow, ...Array<PeerSpec>(12).fill(peer())]
  const result = simulate(peers)
  t.true(isDone(peers, result))
  t.true(result.copies < 1.15)
  t.true(Math.max(...result.doneAtMs.slice(1).map(Number)) < 1.15 * ((64 * pieceBytes) / slow.upBytesPerMs))
})

test('Every leecher completes despite late joiners, leavers, slow peers and hostile peers.', t => {
  const peers = [
    seed,
    ...Array.from({ length: 24 }, (_, at) =>
      peer({
        joinsAtMs: at * 150,
        ...(at % 3 === 0 ? { leavesAfterMs: 0 } : {}),
        ...(at % 4 === 0 ? { upBytesPerMs: rate / 10 } : {}),
      }),
    ),
    peer({ behaviour: 'stalls' }),
    peer({ behaviour: 'garbage' }),
  ]
  t.true(isDone(peers, simulate(peers)))
})

test('The same random seed gives the same swarm.', t => {
  const peers = [seed, ...Array<PeerSpec>(10).fill(peer())]
  t.deepEqual(simulate(peers), simulate(peers))
})
