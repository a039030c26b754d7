// Whole swarms in virtual time, with the real picker, request window and choker (bench/simulator/swarm.ts): how long until
// every peer has everything, over the fluid lower bound; what came twice; how many copies the seed sent.
// The bound is max(F/us, F/d, (total of all F)/(us + sum of u)), after Kumar & Ross, "Peer-assisted file distribution:
// the minimum distribution time" (HotWeb 2006). With late joiners, time counts from when the last one came.
//   node bench/simulate.ts [--peers 10,100,1000,10000] [--mib 128] [--latency-ms 10] [--seed 1] [--slots 4]
//                          [--cases] [--svg FILE]      --cases: also other rates, joins, leaves and hostile peers

import { writeFileSync } from 'node:fs'
import { parseArgs } from 'node:util'
import { uploadTunables } from '../config/swarm.ts'
import { seededRandom } from '../test/helpers/seeded-random.ts'
import { plotOf } from './simulator/plot.ts'
import { type PeerSpec, type SwarmResult, simulateSwarm } from './simulator/swarm.ts'

const { values } = parseArgs({
  options: {
    peers: { type: 'string', default: '10,100,1000,10000' },
    mib: { type: 'string', default: '128' },
    'latency-ms': { type: 'string', default: '10' },
    seed: { type: 'string', default: '1' },
    slots: { type: 'string', default: `${uploadTunables.slots}` },
    cases: { type: 'boolean', default: false },
    svg: { type: 'string' },
  },
})
const pieceBytes = 512 * 1024
const pieceCount = Number(values.mib) * 2
const fileBytes = pieceCount * pieceBytes

const mbit = (rate: number) => (rate * 1e6) / 8 / 1000
const peer = (rate: number, more: Partial<PeerSpec> = {}): PeerSpec => ({
  upBytesPerMs: mbit(rate),
  downBytesPerMs: mbit(rate),
  ...more,
})
const seedOf = (rate: number) => peer(rate, { isSeed: true })
const leechers = (count: number, of: (index: number) => PeerSpec) => Array.from({ length: count }, (_, at) => of(at))

interface Case {
  readonly name: string
  readonly peers: readonly PeerSpec[]
}

const sizes = values.peers.split(',').map(Number)
const equal = sizes.map(
  (count): Case => ({ name: `${count} peers`, peers: [seedOf(50), ...leechers(count, () => peer(50))] }),
)
const others: readonly Case[] = [
  { name: '100, seed at 10 Mbit/s', peers: [seedOf(10), ...leechers(100, () => peer(50))] },
  { name: '100, seed at 200 Mbit/s', peers: [seedOf(200), ...leechers(100, () => peer(50))] },
  { name: '100, half at 10 Mbit/s', peers: [seedOf(50), ...leechers(100, at => peer(at % 2 ? 50 : 10))] },
  { name: '100, 4 seeds', peers: [...leechers(4, () => seedOf(50)), ...leechers(100, () => peer(50))] },
  {
    name: '100, joining over 10 s',
    peers: [seedOf(50), ...leechers(100, at => peer(50, { joinsAtMs: at * 100 }))],
  },
  {
    name: '100, leaving when done',
    peers: [seedOf(50), ...leechers(100, () => peer(50, { leavesAfterMs: 0 }))],
  },
  {
    name: '100, 10 of them hostile',
    peers: [
      seedOf(50),
      ...leechers(100, at => peer(50, at < 5 ? { behaviour: 'stalls' } : at < 10 ? { behaviour: 'garbage' } : {})),
    ],
  },
]

function boundMs(peers: readonly PeerSpec[]): number {
  const seeds = peers.filter(each => each.isSeed)
  const honest = peers.filter(each => !each.isSeed && each.behaviour === undefined)
  const up = (of: readonly PeerSpec[]) => of.reduce((sum, each) => sum + each.upBytesPerMs, 0)
  const slowest = Math.min(...honest.map(each => each.downBytesPerMs))
  const lastJoin = Math.max(...honest.map(each => each.joinsAtMs ?? 0))
  return Math.max(
    fileBytes / up(seeds),
    lastJoin + fileBytes / slowest,
    (honest.length * fileBytes) / (up(seeds) + up(honest)),
  )
}

function run({ peers }: Case): { readonly result: SwarmResult; readonly ratio: number; readonly wallSeconds: number } {
  const start = performance.now()
  const result = simulateSwarm({
    peers,
    pieceCount,
    pieceBytes,
    latencyMs: Number(values['latency-ms']),
    random: seededRandom(Number(values.seed)),
    slots: { ...uploadTunables, slots: Number(values.slots) },
  })
  const done = peers.flatMap((each, at) => (each.isSeed || each.behaviour ? [] : [result.doneAtMs[at]]))
  const lastMs = Math.max(...done.map(atMs => atMs ?? Number.POSITIVE_INFINITY))
  return { result, ratio: lastMs / boundMs(peers), wallSeconds: (performance.now() - start) / 1000 }
}

console.log(
  `${values.mib} MiB, 50 Mbit/s both ways unless said, ${values['latency-ms']} ms one way, seed ${values.seed}`,
)
console.log('| swarm | time over the bound | duplicate and bad bytes | seed sent | wall time |')
console.log('|---|---|---|---|---|')
const points: { readonly peers: number; readonly ratio: number }[] = []
for (const each of values.cases ? [...equal, ...others] : equal) {
  const { result, ratio, wallSeconds } = run(each)
  const seeds = each.peers.flatMap((one, at) => (one.isSeed ? [result.uploadedBytes[at]!] : []))
  const copies = seeds.reduce((sum, bytes) => sum + bytes, 0) / fileBytes
  const wasted = (100 * result.wastedBytes) / result.usefulBytes
  const cells = [
    each.name,
    ratio.toFixed(3),
    `${wasted.toFixed(2)} %`,
    `${copies.toFixed(2)} copies`,
    `${wallSeconds.toFixed(1)} s`,
  ]
  console.log(`| ${cells.join(' | ')} |`)
  if (equal.includes(each)) points.push({ peers: each.peers.length - 1, ratio })
}
if (values.svg) writeFileSync(values.svg, plotOf(points))
