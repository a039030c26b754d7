// The worker threads of hashing.ts: a pair for each job, one thread a lane. Starting a pair costs as much as hashing
// 100 MiB, so a pair is kept for a while after its job, and can be started before it is needed. An idle pair holds no file
// open and does not keep the process alive.

import { extname } from 'node:path'
import { Worker } from 'node:worker_threads'
import { hashingTunables } from '../../config/storage.ts'
import { lanes } from './hashing-job.ts'

export type Pair = readonly Worker[]

/** `.ts` from a checkout, `.js` when compiled. */
const workerFile = new URL(`./hashing-worker${extname(import.meta.url)}`, import.meta.url)

const idle = new Map<Pair, NodeJS.Timeout>()

function startPair(): Pair {
  const pair = lanes.map(() => new Worker(workerFile))
  // A second failure, after the first ended the job, must not end the process.
  for (const worker of pair) worker.on('error', () => {}).once('exit', () => forget(pair))
  return pair
}

function forget(pair: Pair): void {
  clearTimeout(idle.get(pair))
  idle.delete(pair)
}

/** Starts a pair for a job that is expected soon, unless one is idle. */
export function expectJob(): void {
  if (idle.size === 0) givePair(startPair())
}

export function takePair(): Pair {
  const [pair = startPair()] = idle.keys()
  forget(pair)
  for (const worker of pair) worker.ref()
  return pair
}

/** Gives a pair back after a job that ended well. */
export function givePair(pair: Pair): void {
  for (const worker of pair) worker.unref()
  idle.set(pair, setTimeout(() => endPair(pair), hashingTunables.threadsIdleMs).unref())
}

/** Ends a pair, even during a job. Resolves when both threads have ended. */
export async function endPair(pair: Pair): Promise<void> {
  forget(pair)
  await Promise.all(pair.map(worker => worker.terminate()))
}
