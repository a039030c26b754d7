// Checks the disk of a device whose agent was just killed: its library is sound; every piece that the library calls verified
// is right on disk; a file under a download's name is complete (or was there before and may not be replaced, or only claims
// the name); nothing is left over; and no other program's file was touched.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { open } from 'node:fs/promises'
import { basename, join } from 'node:path'
import type { Home } from '../../../src/actors/device/home.ts'
import { type Bitfield, createBitfield } from '../../../src/domain/bitfield.ts'
import { type Manifest, pieceHashes, pieceSize, sha1Bytes } from '../../../src/domain/manifest.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { DownloadRecord } from '../../../src/storage/library-downloads.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'
import { isClaim } from '../../../src/storage/piece-file.ts'

export interface Surroundings {
  readonly home: Home
  readonly user: string
  readonly device: string
  /** Each download has a folder of its own below this one. */
  readonly folder: string
  /** Path -> SHA-256 of files that were there before; no agent may alter or remove them. */
  readonly bystanders: ReadonlyMap<string, string>
  /** Path -> SHA-256 of files that a download shall replace; they stay until then. */
  readonly replaced: ReadonlyMap<string, string>
  /** What a failed disk may have lost: pages that hold these offsets, and the removal of temporary files. */
  lost?: { readonly offsets: readonly number[]; readonly temporaries: boolean } | undefined
}

export interface Findings {
  readonly violations: readonly string[]
  readonly downloads: readonly DownloadRecord[]
  readonly shares: readonly ShareRecord[]
  /** Download id -> pieces that are recorded and right on disk. */
  readonly verified: ReadonlyMap<number, Bitfield>
}

const sha256 = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

/** Which of the claimed pieces are right in the file. */
async function rightPieces(path: string, manifest: Manifest, claimed: Bitfield): Promise<Bitfield> {
  const right = createBitfield(claimed.length)
  const hashes = pieceHashes(manifest)
  const file = await open(path)
  try {
    for (let piece = 0; piece < claimed.length; piece += 1) {
      if (!claimed.has(piece)) continue
      const length = pieceSize(manifest, piece)
      const { bytesRead, buffer } = await file.read(Buffer.alloc(length), 0, length, piece * manifest.pieceLength)
      const digest = createHash('sha1').update(buffer).digest()
      const expected = hashes.subarray(piece * sha1Bytes, (piece + 1) * sha1Bytes)
      if (bytesRead === length && digest.equals(expected)) right.add(piece)
    }
  } finally {
    await file.close()
  }
  return right
}

const homeFiles =
  /^(device|session|seen|servers|listen|agent|socket)\.json$|^library\.db(-wal|-shm)?$|^agent\.log(\.old)?$|^run$/

const temporaryFiles = /^\.[a-z]+\.json\.\d+$/

/** No agent may run on the home meanwhile. */
export async function checkDevice(around: Surroundings): Promise<Findings> {
  const { home, user, device, folder, bystanders, replaced, lost } = around
  const violations: string[] = []
  const demand = (holds: boolean, otherwise: string) => {
    if (!holds) violations.push(otherwise)
  }

  // Throws when it is damaged.
  // A process that looks gone may still have threads that hold it for a moment.
  const library = openLibrary(home.libraryFile, { patienceMs: 5_000 })
  const downloads = library.downloads(user)
  const shares = library.shares(user)
  library.close()

  const verified = new Map<number, Bitfield>()
  for (const record of downloads) {
    const { id, destination, part, manifest, state } = record
    if (state === 'cancelled' || !existsSync(join(destination, '..'))) continue
    const named = existsSync(destination) ? sha256(destination) : undefined
    const isWhole = named === manifest.sha256
    demand(
      named === undefined || isWhole || named === replaced.get(destination) || (await isClaim(destination)),
      `download ${id}: wrong bytes have the name ${destination}`,
    )
    demand(state !== 'completed' || isWhole, `download ${id} is completed and ${destination} is not there`)
    const holder = isWhole ? destination : part
    const right = existsSync(holder)
      ? await rightPieces(holder, manifest, record.verified)
      : createBitfield(record.verified.length)
    const lostPieces = new Set((lost?.offsets ?? []).map(offset => Math.floor(offset / manifest.pieceLength)))
    const missing = Array.from({ length: right.length }, (_, piece) => piece).filter(
      piece => record.verified.has(piece) && !right.has(piece),
    )
    demand(
      missing.every(piece => lostPieces.has(piece)),
      `download ${id}: of ${record.verified.count} verified pieces ${right.count} are right on the disk`,
    )
    verified.set(id, right)
  }

  for (const [path, hash] of bystanders)
    demand(existsSync(path) && sha256(path) === hash, `${path} was altered or removed`)
  const known = new Set([
    ...bystanders.keys(),
    ...replaced.keys(),
    ...downloads.flatMap(({ destination, part }) => [destination, part]),
  ])
  for (const entry of readdirSync(folder, { recursive: true, withFileTypes: true })) {
    const path = join(entry.parentPath, entry.name)
    demand(!entry.isFile() || known.has(path), `${path} is nobody's`)
  }
  for (const name of readdirSync(home.folder))
    demand(
      (lost?.temporaries === true && temporaryFiles.test(name)) || homeFiles.test(name),
      `${name} was left over in the home`,
    )
  demand(home.device() === device, 'the device is another one')
  const sessionIsThere = existsSync(home.sessionFile)
  demand(!sessionIsThere || home.session()?.user === user, `${basename(home.sessionFile)} cannot be read`)
  return { violations, downloads, shares, verified }
}
