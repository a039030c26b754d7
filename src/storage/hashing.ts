// All hashing of the agent. Two worker threads (hashing-worker.ts) hash a file while reading it once, in constant memory.
// Arrived pieces are hashed on this thread, in slices short enough that the event loop never waits long.

import { createHash } from 'node:crypto'
import { once } from 'node:events'
import type { FileHandle } from 'node:fs/promises'
import { setImmediate as nextTurn } from 'node:timers/promises'
import { hashingTunables } from '../../config/storage.ts'
import { type Bitfield, createBitfield } from '../domain/bitfield.ts'
import { type Manifest, maxFileBytes, pieceCount, pieceHashes, pieceLengthFor, sha1Bytes } from '../domain/manifest.ts'
import { showable } from '../domain/names.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { type Fingerprint, fingerprintOf, isSameFingerprint, settledFingerprint } from './fingerprint.ts'
import {
  advance,
  chunkBytes,
  chunksHashed,
  chunksThere,
  createCounters,
  type HashJob,
  lanes,
  piecesClaimed,
  type RecheckJob,
  type Task,
} from './hashing-job.ts'
import { endPair, givePair, takePair } from './hashing-threads.ts'
import { openRegularFile } from './shared-file.ts'

export interface HashingOptions {
  /** Called a few times a second with the bytes hashed so far, and once at the end. */
  readonly onProgress?: (hashedBytes: number, size: number) => void
  /** Aborting makes the promise reject with the signal's reason, once no thread works on the file any more. */
  readonly signal?: AbortSignal
}

/** A manifest without its name, and the file's fingerprint when it had these hashes. */
export interface HashedFile extends Omit<Manifest, 'name'> {
  readonly fingerprint: Fingerprint
}

/**
 * Refuses with `file-unreadable` a file that is not regular, cannot be read, or changes while it is read.
 * `pieceLength` is a multiple of 512 KiB. A valid manifest needs the default.
 */
export const hashFile = (
  path: string,
  options: HashingOptions & { readonly pieceLength?: number } = {},
): Promise<Outcome<HashedFile>> =>
  withFile(path, async file => {
    const fingerprint = await settledFingerprint(file)
    const { size } = fingerprint
    if (size > maxFileBytes)
      return refuse('file-unreadable', `${showable(path)} is too large; the largest file that can be shared has 4 TiB`)
    const pieceLength = options.pieceLength ?? pieceLengthFor(size)
    const digests = new SharedArrayBuffer(pieceCount({ size, pieceLength }) * sha1Bytes)
    const changed = () =>
      refuse('file-unreadable', `${showable(path)} changed while it was read; try again when no program writes to it`)
    try {
      const hashes = await hashWhole(file, size, { ...options, pieceLength, pieceHashes: digests })
      if (!(await isStill(file, fingerprint))) return changed()
      return done({ size, ...hashes, pieceLength, pieces: Buffer.from(digests).toString('base64'), fingerprint })
    } catch (error) {
      options.signal?.throwIfAborted()
      if (!(await isStill(file, fingerprint))) return changed()
      const { code } = error as NodeJS.ErrnoException
      if (code === undefined) throw error
      return refuse('file-unreadable', `cannot read ${showable(path)}: ${code}`)
    }
  })

/** Refuses with `integrity` when the file as a whole is not the manifest's. */
export const verifyFile = (path: string, manifest: Manifest, options: HashingOptions = {}): Promise<Outcome<void>> =>
  withFile(path, async file => {
    const wrong = refuse('integrity', `${showable(path)} is not the file that was shared`)
    if ((await file.stat()).size !== manifest.size) return wrong
    const hashed = await hashWhole(file, manifest.size, { ...options, pieceLength: manifest.pieceLength })
    return isThatOf(manifest, hashed) ? done(undefined) : wrong
  })

/** A file that is hashed while it grows from its beginning. */
export interface FollowedFile {
  /** This many bytes from the beginning on are there; never fewer than before. */
  grewTo(bytes: number): void
  /** Whether it is the manifest's file. Resolves soon after the last byte is there; false also if the file cannot be read. */
  readonly isRight: Promise<boolean>
}

let followed = 0

/** Undefined when too many files are followed already (`hashingTunables.mostFollowed`). `signal` ends it early. */
export function followFile(path: string, manifest: Manifest, signal: AbortSignal): FollowedFile | undefined {
  if (followed >= hashingTunables.mostFollowed) return undefined
  followed += 1
  const { size, pieceLength } = manifest
  const counters = createCounters()
  const isRight = withFile(path, async file => {
    const hashed = await hashWhole(file, size, { signal, pieceLength, counters })
    return done(isThatOf(manifest, hashed) && (await file.stat()).size === size)
  })
    .then(compared => compared.ok && compared.value)
    .catch(() => false)
    .finally(() => {
      followed -= 1
    })
  return {
    grewTo: bytes => advance(counters, chunksThere, bytes < size ? Math.floor(bytes / chunkBytes) : chunksOf(size)),
    isRight,
  }
}

/** Which of the `claimed` pieces are right on the disk; none if there is no such file. */
export async function recheckPieces(
  path: string,
  manifest: Manifest,
  claimed: Bitfield,
  { signal, onProgress }: HashingOptions = {},
): Promise<Bitfield> {
  const { size, pieceLength } = manifest
  const count = pieceCount(manifest)
  const right = new Uint8Array(new SharedArrayBuffer(count))
  for (let piece = 0; piece < count; piece += 1) right[piece] = Number(claimed.has(piece))
  const counters = createCounters()
  const checked = await withFile(path, async file => {
    const expected = new SharedArrayBuffer(count * sha1Bytes)
    pieceHashes(manifest).copy(Buffer.from(expected))
    const job: RecheckJob = {
      kind: 'recheck',
      fd: file.fd,
      size,
      pieceLength,
      counters: counters.buffer,
      expected,
      right: right.buffer,
    }
    await runLanes(job, {
      signal,
      onProgress: onProgress && (() => onProgress(Math.min(size, counters[piecesClaimed]! * pieceLength), size)),
    })
    return done(undefined)
  })
  const verified = createBitfield(count)
  if (checked.ok) for (const [piece, isRight] of right.entries()) if (isRight) verified.add(piece)
  return verified
}

/** Whether an arrived piece has that SHA-1 (20 bytes). */
export async function verifyPiece(data: Uint8Array, expected: Uint8Array): Promise<boolean> {
  const hash = createHash('sha1')
  for (let start = 0; start < data.length; start += hashingTunables.sliceBytes) {
    if (start > 0) await nextTurn()
    hash.update(data.subarray(start, start + hashingTunables.sliceBytes))
  }
  return hash.digest().equals(expected)
}

async function withFile<T>(path: string, action: (file: FileHandle) => Promise<Outcome<T>>): Promise<Outcome<T>> {
  const opened = await openRegularFile(path)
  if (!opened.ok) return opened
  try {
    return await action(opened.value)
  } finally {
    await opened.value.close()
  }
}

const isStill = async (file: FileHandle, fingerprint: Fingerprint): Promise<boolean> =>
  isSameFingerprint(fingerprintOf(await file.stat({ bigint: true })), fingerprint)

type WholeDigests = Pick<Manifest, 'sha1' | 'sha256'>

const isThatOf = (manifest: Manifest, { sha1, sha256 }: WholeDigests) =>
  sha1 === manifest.sha1 && sha256 === manifest.sha256

const chunksOf = (size: number) => Math.ceil(size / chunkBytes)

function countersOfAll(size: number): Int32Array<SharedArrayBuffer> {
  const counters = createCounters()
  counters[chunksThere] = chunksOf(size)
  return counters
}

interface WholeOptions extends HashingOptions, Pick<HashJob, 'pieceLength' | 'pieceHashes'> {
  /** Tells how much of the file is there. By default, all of it is. */
  readonly counters?: Int32Array<SharedArrayBuffer>
}

async function hashWhole(
  { fd }: FileHandle,
  size: number,
  { onProgress, signal, counters = countersOfAll(size), ...rest }: WholeOptions,
): Promise<WholeDigests> {
  const mostBytes = rest.pieceHashes ? hashingTunables.ringBytes : hashingTunables.wholeRingBytes
  const ring = new SharedArrayBuffer(Math.min(mostBytes, chunksOf(size) * chunkBytes))
  const hashedBytes = () =>
    Math.min(size, Math.min(...lanes.map((_, lane) => counters[chunksHashed + lane]!)) * chunkBytes)
  const job: HashJob = { kind: 'hash', fd, size, ring, counters: counters.buffer, ...rest }
  const [sha1, sha256] = await runLanes(job, {
    signal,
    onProgress: onProgress && (() => onProgress(hashedBytes(), size)),
  })
  return { sha1: sha1 as string, sha256: sha256 as string }
}

/** Each lane's answer, in order. When it settles, no thread works on the job any more. */
async function runLanes(
  job: HashJob | RecheckJob,
  { signal, onProgress }: { signal: AbortSignal | undefined; onProgress: (() => void) | undefined },
): Promise<unknown[]> {
  signal?.throwIfAborted()
  const pair = takePair()
  const ticking = onProgress && setInterval(onProgress, hashingTunables.progressEveryMs)
  try {
    const answers = pair.map(async (worker, index) => {
      worker.postMessage({ job, lane: lanes[index]! } satisfies Task)
      const [answer] = await once(worker, 'message', { signal })
      return answer as unknown
    })
    const all = await Promise.all(answers)
    givePair(pair)
    onProgress?.()
    return all
  } catch (error) {
    await endPair(pair)
    signal?.throwIfAborted()
    throw error
  } finally {
    clearInterval(ticking)
  }
}
