// A worker thread of hashing.ts: one lane of a job. The two lanes of a `hash` job, SHA-1 and SHA-256, read the file once
// between them, into a ring of fixed size. A lane does whatever it can: read ahead, hash the whole file with its own
// algorithm, or hash a piece that the other lane has not taken. It waits only when neither the ring nor the file has more for
// it, so both stay busy to the end. A slot is reused once neither lane needs its chunk. The lanes of a `recheck` job only
// share which pieces are taken. This file imports little, because a job may wait for its threads to start.

import { createHash, type Hash } from 'node:crypto'
import { readSync } from 'node:fs'
import { parentPort } from 'node:worker_threads'
import {
  advance,
  chunkBytes,
  chunksClaimed,
  chunksFilled,
  chunksHashed,
  chunksThere,
  type HashJob,
  type Lane,
  lanes,
  noPiece,
  pieceChunk,
  piecesClaimed,
  type RecheckJob,
  steps,
  type Task,
} from './hashing-job.ts'
import { again } from './interruption.ts'

/** The lane's digest of the whole file, in hex. */
function hashWhole(job: HashJob, lane: Lane): string {
  const counters = new Int32Array(job.counters)
  const digests = job.pieceHashes && Buffer.from(job.pieceHashes)
  const chunks = Math.ceil(job.size / chunkBytes)
  const pieces = digests ? Math.ceil(job.size / job.pieceLength) : 0
  const chunksPerPiece = job.pieceLength / chunkBytes
  const slots = job.ring.byteLength / chunkBytes
  const mine = chunksHashed + lanes.indexOf(lane)
  const myPiece = pieceChunk + lanes.indexOf(lane)
  const whole = createHash(lane)
  let hashed = 0
  let piece: { readonly hash: Hash; readonly index: number } | undefined

  const dataOf = (chunk: number): Uint8Array =>
    new Uint8Array(job.ring, (chunk % slots) * chunkBytes, Math.min(chunkBytes, job.size - chunk * chunkBytes))

  /** The first chunk that a lane still has to hash. Reads what is taken first, because a lane announces a piece before it takes it. */
  function oldestNeeded(): number {
    let oldest = pieces === 0 ? chunks : Atomics.load(counters, piecesClaimed) * chunksPerPiece
    for (let lane = 0; lane < lanes.length; lane += 1)
      oldest = Math.min(oldest, Atomics.load(counters, pieceChunk + lane), Atomics.load(counters, chunksHashed + lane))
    return oldest
  }

  function fill(filled: number): boolean {
    if (filled === Atomics.load(counters, chunksThere) || filled - oldestNeeded() >= slots) return false
    if (!claim(counters, chunksClaimed, filled)) return false
    readWhole(job.fd, dataOf(filled), filled * chunkBytes)
    advance(counters, chunksFilled, filled + 1)
    return true
  }

  function hashNext(filled: number): boolean {
    if (hashed === filled) return false
    whole.update(dataOf(hashed))
    hashed += 1
    advance(counters, mine, hashed)
    return true
  }

  function takePiece(filled: number): boolean {
    const index = Atomics.load(counters, piecesClaimed)
    if (index >= pieces || index * chunksPerPiece >= filled) return false
    Atomics.store(counters, myPiece, index * chunksPerPiece)
    if (claim(counters, piecesClaimed, index)) piece = { hash: createHash('sha1'), index }
    else advance(counters, myPiece, noPiece)
    return true
  }

  function hashPiece(filled: number): boolean {
    if (!piece) return takePiece(filled)
    const chunk = Atomics.load(counters, myPiece)
    if (chunk === filled) return false
    piece.hash.update(dataOf(chunk))
    const isLast = chunk + 1 === chunks || (chunk + 1) % chunksPerPiece === 0
    if (isLast) {
      const digest = piece.hash.digest()
      digest.copy(digests!, piece.index * digest.length)
      piece = undefined
    }
    advance(counters, myPiece, isLast ? noPiece : chunk + 1)
    return true
  }

  for (;;) {
    const seen = Atomics.load(counters, steps)
    const filled = Atomics.load(counters, chunksFilled)
    if (fill(filled) || hashNext(filled) || hashPiece(filled)) continue
    if (hashed === chunks && !piece && Atomics.load(counters, piecesClaimed) >= pieces) return whole.digest('hex')
    Atomics.wait(counters, steps, seen)
  }
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
    const digest = piece.digest()
    if (!isThere || !digest.equals(expected.subarray(index * digest.length, (index + 1) * digest.length)))
      right[index] = 0
  }
}

/** Takes the next of a series, unless the other lane has. */
const claim = (counters: Int32Array, counter: number, next: number): boolean =>
  Atomics.compareExchange(counters, counter, next, next + 1) === next

/** False when the file ends first. */
function read(fd: number, data: Uint8Array, position: number): boolean {
  let done = 0
  while (done < data.length) {
    const count = again(() => readSync(fd, data, done, data.length - done, position + done))
    if (count === 0) return false
    done += count
  }
  return true
}

function readWhole(fd: number, data: Uint8Array, position: number): void {
  if (!read(fd, data, position)) throw new Error('the file became shorter while it was read')
}

parentPort!.on('message', ({ job, lane }: Task) =>
  parentPort!.postMessage(job.kind === 'hash' ? hashWhole(job, lane) : recheck(job)),
)
