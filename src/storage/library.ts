// The agent's library: what each person shares from this device, their downloads, which pieces are verified, and the
// device's limits.
// One process at a time holds it, which makes it impossible to run two agents on one home. Every function is one
// transaction; what it recorded is there after a kill of the process. (After a loss of power the last moments may be
// missing; part files are checked again when an agent starts.)

import * as z from 'zod'
import { type Bitfield, createBitfield } from '../domain/bitfield.ts'
import type { DeviceRef } from '../domain/device-ref.ts'
import { type Manifest, pieceCount } from '../domain/manifest.ts'
import { type Delivery, type DownloadState, downloadStates, type Limits, limitsSchema } from '../wire/agent-api.ts'
import { manifestSchema } from '../wire/schemas.ts'
import { type Fingerprint, fingerprintSchema } from './fingerprint.ts'
import { LibraryUnusable, openLibraryFile, translateSqliteError } from './library-file.ts'

/**
 * `announcing`: on offer, but the trackers have not heard of it yet. `sharing`: they have; should they lack it later, it
 * was withdrawn elsewhere. `changed` and `vanished`: taken off offer, for the file is not what was shared any more.
 */
export const shareStates = ['announcing', 'sharing', 'changed', 'vanished'] as const
export type ShareState = (typeof shareStates)[number]

export interface ShareRecord {
  readonly group: string
  /** The manifest's; one share of that name in a group. */
  readonly name: string
  readonly share: string
  readonly manifest: Manifest
  /** Absolute. */
  readonly path: string
  /** The file's when it was hashed. */
  readonly fingerprint: Fingerprint
  readonly state: ShareState
}

export interface NewDownload {
  readonly user: string
  readonly group: string
  readonly name: string
  /** The final path, and the part file's, both absolute. */
  readonly destination: string
  readonly part: string
  readonly overwrite: boolean
  readonly state: DownloadState
  /** ms since 1970. */
  readonly createdAt: number
}

export interface DownloadError {
  readonly code: string
  readonly message: string
}

export interface DownloadRecord extends NewDownload {
  /** From 1 on; never used twice in a library. */
  readonly id: number
  /** Undefined until the trackers told what the file is. */
  readonly located: { readonly share: string; readonly manifest: Manifest; readonly verified: Bitfield } | undefined
  /** It has made its part file, or was just about to. Until then, what is there under that name is somebody else's. */
  readonly madePart: boolean
  readonly error: DownloadError | undefined
  /** Spent downloading, pauses left out. */
  readonly seconds: number
  /** Piece bytes fetched, verified or not. */
  readonly fetchedBytes: number
  readonly deliveries: readonly Delivery[]
  readonly finishedAt: number | undefined
}

/** What of a download may change by itself; `undefined` clears an error or an end. */
export interface DownloadChange {
  readonly state?: DownloadState
  readonly error?: DownloadError | undefined
  readonly destination?: string
  readonly part?: string
  readonly madePart?: boolean
  readonly overwrite?: boolean
  readonly seconds?: number
  readonly finishedAt?: number | undefined
}

/** Functions of a download throw a RangeError for an id that is not there. */
export interface Library {
  shares(user: string): ShareRecord[]
  /** Adds it, or replaces the one of that group and name. */
  saveShare(user: string, share: ShareRecord): void
  setShareState(user: string, group: string, name: string, state: ShareState): void
  removeShare(user: string, group: string, name: string): void

  downloads(user: string): DownloadRecord[]
  download(id: number): DownloadRecord | undefined
  addDownload(download: NewDownload): DownloadRecord
  changeDownload(id: number, change: DownloadChange): void
  /** The trackers told what the file is; no piece is verified yet. */
  locateDownload(id: number, share: string, manifest: Manifest): void
  /** One verified piece on the disk, by whom, and its bytes: together. A piece recorded before adds only to the bytes. */
  recordPiece(id: number, piece: number, peer: DeviceRef, via: Delivery['via'], bytes: number): void
  /** Bytes fetched in vain. */
  recordWaste(id: number, bytes: number): void
  /** After a check of the part file: exactly these are right. */
  saveVerified(id: number, verified: Bitfield): void

  /** The device's. */
  limits(): Limits
  saveLimits(limits: Limits): void

  /** The epoch of the log (domain/log-position.ts) that the shares of a log-in last agreed with; 0: none yet. */
  logEpoch(login: string): number
  saveLogEpoch(login: string, epoch: number): void

  close(): void
}

const shareRow = z.strictObject({
  group: z.string(),
  name: z.string(),
  share: z.string(),
  manifest: z.string().transform(parseJson).pipe(manifestSchema),
  path: z.string(),
  fingerprint: z.string().transform(parseJson).pipe(fingerprintSchema),
  state: z.enum(shareStates),
})

const downloadRow = z.strictObject({
  id: z.number(),
  user: z.string(),
  group: z.string(),
  name: z.string(),
  share: z.string().nullable(),
  manifest: z.string().transform(parseJson).pipe(manifestSchema).nullable(),
  verified: z.instanceof(Buffer).nullable(),
  destination: z.string(),
  part: z.string(),
  madePart: z.number().transform(Boolean),
  overwrite: z.number().transform(Boolean),
  state: z.enum(downloadStates),
  error: z
    .string()
    .transform(parseJson)
    .pipe(z.strictObject({ code: z.string(), message: z.string() }))
    .nullable(),
  seconds: z.number(),
  fetchedBytes: z.number(),
  createdAt: z.number(),
  finishedAt: z.number().nullable(),
})

function parseJson(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch {
    return undefined
  }
}

const noLimits: Limits = { up: null, down: null, connections: null }

const selectShares = `
  SELECT group_name AS "group", name, share, manifest, path, fingerprint, state
  FROM shares JOIN manifests USING (share) WHERE user = ? ORDER BY group_name, name`

const selectDownloads = (where: string) => `
  SELECT id, user, group_name AS "group", name, share, manifest, verified, destination, part, made_part AS madePart,
    overwrite, state, error, seconds, fetched_bytes AS fetchedBytes, created_at AS createdAt, finished_at AS finishedAt
  FROM downloads JOIN progress ON download = id LEFT JOIN manifests USING (share) WHERE ${where} ORDER BY id`

export { LibraryFailed, LibraryInUse, LibraryUnusable } from './library-file.ts'

/**
 * Throws LibraryInUse (another agent has it, after `patienceMs`), or LibraryUnusable (damaged, or not ours);
 * its functions throw LibraryFailed.
 */
export function openLibrary(file: string, { patienceMs = 0 } = {}): Library {
  const database = openLibraryFile(file, patienceMs)
  const sql = {
    shares: database.prepare(selectShares),
    saveShare: database.prepare(
      `INSERT OR REPLACE INTO shares (user, group_name, name, share, path, fingerprint, state) VALUES (?, ?, ?, ?, ?, ?, ?)`,
    ),
    setShareState: database.prepare('UPDATE shares SET state = ? WHERE user = ? AND group_name = ? AND name = ?'),
    removeShare: database.prepare('DELETE FROM shares WHERE user = ? AND group_name = ? AND name = ?'),
    saveManifest: database.prepare('INSERT OR IGNORE INTO manifests (share, manifest) VALUES (?, ?)'),
    dropManifests: database.prepare(
      `DELETE FROM manifests WHERE share NOT IN (SELECT share FROM shares)
       AND share NOT IN (SELECT share FROM downloads WHERE share IS NOT NULL)`,
    ),
    downloads: database.prepare(selectDownloads('user = ?')),
    download: database.prepare(selectDownloads('id = ?')),
    addDownload: database.prepare(
      `INSERT INTO downloads (user, group_name, name, destination, part, overwrite, state, created_at)
       VALUES (?, ?, ?, ?, ?, ?, ?, ?)`,
    ),
    addProgress: database.prepare('INSERT INTO progress (download) VALUES (?)'),
    changeDownload: database.prepare(
      `UPDATE downloads SET state = ?, error = ?, destination = ?, part = ?, made_part = ?, overwrite = ?, seconds = ?,
         finished_at = ? WHERE id = ?`,
    ),
    locate: database.prepare('UPDATE downloads SET share = ? WHERE id = ?'),
    progress: database.prepare('SELECT pieces, verified FROM progress WHERE download = ?'),
    startProgress: database.prepare('UPDATE progress SET pieces = ?, verified = ? WHERE download = ?'),
    saveVerified: database.prepare('UPDATE progress SET verified = ? WHERE download = ?'),
    saveProgress: database.prepare(
      'UPDATE progress SET verified = ?, fetched_bytes = fetched_bytes + ? WHERE download = ?',
    ),
    addFetched: database.prepare('UPDATE progress SET fetched_bytes = fetched_bytes + ? WHERE download = ?'),
    deliver: database.prepare(
      `INSERT INTO deliveries (download, user, device, via, pieces, bytes) VALUES (?, ?, ?, ?, 1, ?)
       ON CONFLICT DO UPDATE SET pieces = pieces + 1, bytes = bytes + excluded.bytes`,
    ),
    deliveries: database.prepare(
      'SELECT user, device, pieces, bytes, via FROM deliveries WHERE download = ? ORDER BY user, device, via',
    ),
    logEpoch: database.prepare('SELECT epoch FROM logs WHERE login = ?').pluck(),
    saveLogEpoch: database.prepare('INSERT OR REPLACE INTO logs VALUES (?, ?)'),
    limits: database.prepare('SELECT name, value FROM limits').raw(),
    clearLimits: database.prepare('DELETE FROM limits'),
    addLimit: database.prepare('INSERT INTO limits (name, value) VALUES (?, ?)'),
  }

  const transaction = <Arguments extends unknown[], Result>(action: (...args: Arguments) => Result) => {
    const whole = database.transaction(action)
    return (...args: Arguments): Result => {
      try {
        return whole(...args) as Result
      } catch (error) {
        throw translateSqliteError(error, file)
      }
    }
  }
  const parse = <T>(schema: z.ZodType<T>, row: unknown): T => {
    const parsed = schema.safeParse(row)
    if (parsed.success) return parsed.data
    throw new LibraryUnusable(`${file} holds what no library holds; move it away`, { cause: parsed.error })
  }
  const toDownload = (row: unknown): DownloadRecord => {
    const { share, manifest, verified, error, finishedAt, ...rest } = parse(downloadRow, row)
    const located =
      share !== null && manifest !== null
        ? { share, manifest, verified: createBitfield(pieceCount(manifest), verified ?? undefined) }
        : undefined
    const deliveries = sql.deliveries.all(rest.id) as Delivery[]
    return { ...rest, located, deliveries, error: error ?? undefined, finishedAt: finishedAt ?? undefined }
  }
  const find = (id: number): DownloadRecord => {
    const row = sql.download.get(id)
    if (row === undefined) throw new RangeError(`there is no download ${id}`)
    return toDownload(row)
  }

  return {
    shares: transaction((user: string) => sql.shares.all(user).map(row => parse(shareRow, row))),
    saveShare: transaction((user: string, share: ShareRecord) => {
      const { group, name, path, fingerprint, state } = share
      sql.saveManifest.run(share.share, JSON.stringify(share.manifest))
      sql.saveShare.run(user, group, name, share.share, path, JSON.stringify(fingerprint), state)
      sql.dropManifests.run()
    }),
    setShareState: transaction((user: string, group: string, name: string, state: ShareState) => {
      sql.setShareState.run(state, user, group, name)
    }),
    removeShare: transaction((user: string, group: string, name: string) => {
      sql.removeShare.run(user, group, name)
      sql.dropManifests.run()
    }),

    downloads: transaction((user: string) => sql.downloads.all(user).map(toDownload)),
    download: transaction((id: number) => {
      const row = sql.download.get(id)
      return row === undefined ? undefined : toDownload(row)
    }),
    addDownload: transaction((download: NewDownload) => {
      const { user, group, name, destination, part, overwrite, state, createdAt } = download
      const added = sql.addDownload.run(user, group, name, destination, part, Number(overwrite), state, createdAt)
      const id = Number(added.lastInsertRowid)
      sql.addProgress.run(id)
      return find(id)
    }),
    changeDownload: transaction((id: number, change: DownloadChange) => {
      const now = { ...find(id), ...change }
      const { state, error, destination, part, seconds, finishedAt } = now
      const errorText = error ? JSON.stringify(error) : null
      const [madePart, overwrite] = [Number(now.madePart), Number(now.overwrite)]
      sql.changeDownload.run(state, errorText, destination, part, madePart, overwrite, seconds, finishedAt ?? null, id)
    }),
    locateDownload: transaction((id: number, share: string, manifest: Manifest) => {
      sql.saveManifest.run(share, JSON.stringify(manifest))
      if (sql.locate.run(share, id).changes === 0) throw new RangeError(`there is no download ${id}`)
      const pieces = pieceCount(manifest)
      sql.startProgress.run(pieces, createBitfield(pieces).toBytes(), id)
      sql.dropManifests.run()
    }),
    recordPiece: transaction((id: number, piece: number, peer: DeviceRef, via: Delivery['via'], bytes: number) => {
      const { pieces, verified } = (sql.progress.get(id) ?? {}) as { pieces?: number | null; verified?: Buffer }
      if (!verified || piece < 0 || piece >= pieces!) throw new RangeError(`download ${id} has no piece ${piece}`)
      const bit = 0x80 >> (piece & 7)
      if (verified[piece >> 3]! & bit) {
        sql.addFetched.run(bytes, id)
        return
      }
      verified[piece >> 3]! |= bit
      sql.saveProgress.run(verified, bytes, id)
      sql.deliver.run(id, peer.user, peer.device, via, bytes)
    }),
    recordWaste: transaction((id: number, bytes: number) => {
      sql.addFetched.run(bytes, id)
    }),
    saveVerified: transaction((id: number, verified: Bitfield) => {
      sql.saveVerified.run(verified.toBytes(), id)
    }),

    limits: transaction(() =>
      parse(limitsSchema, { ...noLimits, ...Object.fromEntries(sql.limits.all() as [string, number][]) }),
    ),
    logEpoch: transaction((login: string) => (sql.logEpoch.get(login) as number | undefined) ?? 0),
    saveLogEpoch: transaction((login: string, epoch: number) => {
      sql.saveLogEpoch.run(login, epoch)
    }),
    saveLimits: transaction((limits: Limits) => {
      sql.clearLimits.run()
      for (const [name, value] of Object.entries(limits)) if (value !== null) sql.addLimit.run(name, value)
    }),

    close: () => database.close(),
  }
}
