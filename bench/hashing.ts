// What hashing a shared file costs, compared with `openssl sha1` and `openssl sha256` of the same file at the same time.
// Rounds alternate between the two. Then the least time in which any program could compute our three digests (the whole's
// SHA-1 and SHA-256, and the pieces' SHA-1s) from one reading on two cores, given what each costs alone on one core.
//   npm run bench -- hashing [--mib 4096] [--rounds 3] [--file PATH]

import { fork, spawn } from 'node:child_process'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { openSync, readSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { Bench } from 'tinybench'
import { hashFile } from '../src/storage/hashing.ts'
import { workFolder, writeRandomFile } from './support/random-file.ts'
import { median } from './support/statistics.ts'

interface Hashed {
  readonly seconds: number
  readonly cpuSeconds: number
  readonly peakMib: number
}

const { values } = parseArgs({
  options: {
    mib: { type: 'string', default: '4096' },
    rounds: { type: 'string', default: '3' },
    file: { type: 'string' },
    hash: { type: 'string' },
  },
})

async function hashHere(path: string): Promise<Hashed> {
  const startedCpu = process.cpuUsage()
  const startedAt = performance.now()
  const hashed = await hashFile(path)
  const seconds = (performance.now() - startedAt) / 1000
  if (!hashed.ok) throw new Error(hashed.message)
  const { user, system } = process.cpuUsage(startedCpu)
  return { seconds, cpuSeconds: (user + system) / 1e6, peakMib: process.resourceUsage().maxRSS / 1024 }
}

/** In a process of its own, so that its peak memory is that of hashing. */
async function hashApart(path: string): Promise<Hashed> {
  const child = fork(import.meta.filename, ['--hash', path])
  const [hashed] = await once(child, 'message')
  return hashed as Hashed
}

/** Undefined where there is no openssl. */
async function opensslSeconds(path: string): Promise<number | undefined> {
  const startedAt = performance.now()
  const runs = ['sha1', 'sha256'].map(async digest => {
    const child = spawn('openssl', [digest, path], { stdio: ['ignore', 'ignore', 'inherit'] })
    const [code] = await once(child, 'exit')
    if (code !== 0) throw new Error(`openssl ${digest} ended with ${code}`)
  })
  try {
    await Promise.all(runs)
    return (performance.now() - startedAt) / 1000
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'ENOENT') return undefined
    throw error
  }
}

/** Seconds that one core needs for the whole file: to read it, and for each digest. */
async function alone(path: string, size: number): Promise<Record<'read' | 'sha1' | 'sha256', number>> {
  const chunk = new Uint8Array(new SharedArrayBuffer(512 * 1024))
  const file = openSync(path, 'r')
  const bench = new Bench({ time: 1_000 })
  let position = 0
  bench.add('read', () => {
    readSync(file, chunk, 0, chunk.length, position)
    position = (position + chunk.length) % Math.max(chunk.length, size - chunk.length)
  })
  for (const digest of ['sha1', 'sha256']) {
    const hash = createHash(digest)
    bench.add(digest, () => void hash.update(chunk))
  }
  await bench.run()
  const secondsOf = (name: string) => {
    const { result } = bench.getTask(name)!
    if (result.state !== 'completed') throw new Error(`${name} did not complete`)
    return ((result.latency.p50 / 1000) * size) / chunk.length
  }
  return { read: secondsOf('read'), sha1: secondsOf('sha1'), sha256: secondsOf('sha256') }
}

async function compare(): Promise<void> {
  const path = values.file ?? join(workFolder(), 'file.bin')
  if (values.file === undefined) writeRandomFile(path, Number(values.mib) * 2 ** 20)
  const { size } = statSync(path)
  const ours: Hashed[] = []
  const theirs: number[] = []
  for (let round = 1; round <= Number(values.rounds); round += 1) {
    const openssl = await opensslSeconds(path)
    if (openssl !== undefined) theirs.push(openssl)
    const hashed = await hashApart(path)
    ours.push(hashed)
    console.log(
      `round ${round}: ours ${hashed.seconds.toFixed(2)} s (${hashed.cpuSeconds.toFixed(2)} CPU s), ` +
        (openssl === undefined ? 'openssl is not installed' : `openssl ${openssl.toFixed(2)} s`),
    )
  }
  const { read, sha1, sha256 } = await alone(path, size)
  const least = (read + sha1 + sha256 + sha1) / 2
  const taken = median(ours.map(({ seconds }) => seconds))
  console.log(
    `ours      ${taken.toFixed(2)} s for ${(size / 2 ** 20).toFixed(0)} MiB, peak ${median(ours.map(({ peakMib }) => peakMib)).toFixed(0)} MiB`,
  )
  console.log(`one core  read ${read.toFixed(2)} s, SHA-1 ${sha1.toFixed(2)} s, SHA-256 ${sha256.toFixed(2)} s`)
  console.log(`least     ${least.toFixed(2)} s on two cores: (read + SHA-1 + SHA-256 + the pieces' SHA-1s) / 2`)
  if (theirs.length === 0) return
  const openssl = median(theirs)
  console.log(
    `openssl   ${openssl.toFixed(2)} s; ours is ${(taken / openssl).toFixed(2)} times that, the least ${(least / openssl).toFixed(2)} times`,
  )
}

if (values.hash !== undefined) {
  process.send!(await hashHere(values.hash))
  process.disconnect!()
} else await compare()
