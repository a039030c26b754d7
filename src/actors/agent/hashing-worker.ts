// A worker thread of hashing.ts: one lane of a job. The two lanes of a `hash` job, SHA-1 and SHA-256, read the file
// once between them: whichever comes to a chunk first reads it, into a ring that both hash from and whose slots are
// used again only when both are done with them; so memory stays flat. Likewise whichever comes to a piece first hashes
// it too: the one that is ahead takes on the work, which keeps both busy to the end. Lanes of a `recheck` job share
// nothing but who takes which piece.

import { createHash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort, workerData } from 'node:worker_threads'
import { sha1Bytes } from '../../domain/manifest.ts'
import {
  chunkBytes,
  chunksClaimed,
  chunksFilled,
  chunksHashed,
  type HashJob,
  type Lane,
  lanes,
  piecesClaimed,
  type RecheckJob,
} from './hashing-job.ts'

/** The lane's digest of the whole file, in hex. */
function hashWhole(job: HashJob, lane: Lane): string {
  const counters = new Int32Array(job.counters)
  const mine = chunksHashed + lanes.indexOf(lane)
  const others = lanes.filter(other => other !== lane).map(other => chunksHashed + lanes.indexOf(other))
  const slots = job.ring.byteLength / chunkBytes
  const digests = job.pieceHashes && Buffer.from(job.pieceHashes)
  const whole = createHash(lane)
  let piece: ReturnType<typeof createHash> | undefined

  for (let chunk = 0; chunk * chunkBytes < job.size; chunk += 1) {
    const start = chunk * chunkBytes
    const end = Math.min(start + chunkBytes, job.size)
    const data = new Uint8Array(job.ring, (chunk % slots) * chunkBytes, end - start)
    if (claim(counters, chunksClaimed, chunk)) {
      for (const other of others) waitUntil(counters, other, chunk - slots + 1)
      readWhole(job.fd, data, start)
      advance(counters, chunksFilled)
    } else waitUntil(counters, chunksFilled, chunk + 1)

    whole.update(data)
    if (digests) {
      const index = Math.floor(start / job.pieceLength)
      if (start % job.pieceLength === 0) piece = claim(counters, piecesClaimed, index) ? createHash('sha1') : undefined
      piece?.update(data)
      if (end % job.pieceLength === 0 || end === job.size) piece?.digest().copy(digests, index * sha1Bytes)
    }
    advance(counters, mine)
  }
  return whole.digest('hex')
}

function recheck(job: RecheckJob): void {
  const counters = new Int32Array(job.counters)
  const right = new Uint8Array(job.right)
  const expected = Buffer.from(job.expected)
  const chunk = new Uint8Array(chunkBytes)
  for (;;) {
    const index = Atomics.add(counters, piecesClaimed, 1)
    if (index >= right.length) return
    if (right[index] === 0) continue
    const piece = createHash('sha1')
    const end = Math.min((index + 1) * job.pieceLength, job.size)
    let isThere = true
    for (let start = index * job.pieceLength; isThere && start < end; start += chunkBytes) {
      const data = chunk.subarray(0, Math.min(chunkBytes, end - start))
      isThere = read(job.fd, data, start)
      piece.update(data)
    }
    if (!isThere || !piece.digest().equals(expected.subarray(index * sha1Bytes, (index + 1) * sha1Bytes)))
      right[index] = 0
  }
}

/** Takes the next one of a row, unless another lane has. */
const claim = (counters: Int32Array, counter: number, next: number): boolean =>
  Atomics.compareExchange(counters, counter, next, next + 1) === next

function advance(counters: Int32Array, counter: number): void {
  Atomics.add(counters, counter, 1)
  Atomics.notify(counters, counter)
}

function waitUntil(counters: Int32Array, counter: number, least: number): void {
  for (let value = Atomics.load(counters, counter); value < least; value = Atomics.load(counters, counter))
    Atomics.wait(counters, counter, value)
}

/** False when the file ends before. */
function read(fd: number, data: Uint8Array, position: number): boolean {
  let done = 0
  while (done < data.length) {
    const count = readSync(fd, data, done, data.length - done, position + done)
    if (count === 0) return false
    done += count
  }
  return true
}

function readWhole(fd: number, data: Uint8Array, position: number): void {
  if (!read(fd, data, position)) throw new Error('the file became shorter while it was read')
}

const { job, lane } = workerData as { job: HashJob | RecheckJob; lane: Lane }
parentPort!.postMessage(job.kind === 'hash' ? hashWhole(job, lane) : recheck(job))
