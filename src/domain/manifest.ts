// What a share is, byte for byte: name, size, hashes of the whole and of every piece. Pure arithmetic and checks;
// hashing files is an actor's work. A manifest that passes `checkManifest` is safe to compute with.

import { createHash } from 'node:crypto'
import { isFileName } from './names.ts'
import { done, type Outcome, refuse } from './refusal.ts'

export interface Manifest {
  readonly name: string
  /** Bytes of the whole file; 0 is a file too. */
  readonly size: number
  /** SHA-1 of the whole file, 40 lower-case hex digits. */
  readonly sha1: string
  /** SHA-256 of the whole file, 64 lower-case hex digits: SHA-1 alone does not resist a forger. */
  readonly sha256: string
  /** Bytes of every piece but the last, which may be shorter. */
  readonly pieceLength: number
  /** The pieces' SHA-1s in order, 20 bytes each, joined, in base64. Empty for an empty file. */
  readonly pieces: string
}

export const sha1Bytes = 20
const smallestPieceLength = 512 * 1024
/** A manifest of 4,096 pieces is 110 KB in base64: well inside one NATS message of 1 MB. */
const mostPieces = 4096
/** 2^42 bytes (4 TiB), in pieces of 1 GiB: larger ones would no longer fit one buffer. */
export const maxFileBytes = 2 ** 42

/** The piece length of a file of that size, in bytes: 512 KiB, doubled until there are at most 4,096 pieces. */
export function pieceLengthFor(size: number): number {
  let length = smallestPieceLength
  while (size / length > mostPieces) length *= 2
  return length
}

export const pieceCount = (manifest: Pick<Manifest, 'size' | 'pieceLength'>): number =>
  Math.ceil(manifest.size / manifest.pieceLength)

/** Bytes of piece `index`. */
export const pieceSize = (manifest: Pick<Manifest, 'size' | 'pieceLength'>, index: number): number =>
  Math.min(manifest.pieceLength, manifest.size - index * manifest.pieceLength)

/** Every piece's SHA-1, joined. Decode once and keep it. */
export const pieceHashes = (manifest: Manifest): Buffer => Buffer.from(manifest.pieces, 'base64')

/** Refuses a manifest that contradicts itself. */
export function checkManifest(manifest: Manifest): Outcome<Manifest> {
  const broken = (why: string) => refuse('integrity', `this manifest is not usable: ${why}`)
  if (!isFileName(manifest.name)) return refuse('invalid-name', 'this manifest has a file name that is not allowed')
  if (!Number.isSafeInteger(manifest.size) || manifest.size < 0 || manifest.size > maxFileBytes)
    return broken('its size is out of range')
  if (!/^[0-9a-f]{40}$/.test(manifest.sha1)) return broken('its SHA-1 is malformed')
  if (!/^[0-9a-f]{64}$/.test(manifest.sha256)) return broken('its SHA-256 is malformed')
  if (manifest.pieceLength !== pieceLengthFor(manifest.size)) return broken('its piece length does not fit its size')
  const hashes = pieceHashes(manifest)
  if (hashes.toString('base64') !== manifest.pieces) return broken('its piece hashes are malformed')
  if (hashes.length !== pieceCount(manifest) * sha1Bytes) return broken('it has a wrong number of piece hashes')
  return done(manifest)
}

/** Names a share across the network: 32 hex digits of SHA-256 over the group and the whole manifest. */
export function shareId(group: string, manifest: Manifest): string {
  const { name, size, sha1, sha256, pieceLength, pieces } = manifest
  const text = JSON.stringify([group, name, size, sha1, sha256, pieceLength, pieces])
  return createHash('sha256').update(text).digest('hex').slice(0, 32)
}
