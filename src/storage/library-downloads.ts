// Each person's downloads on this device: what they are, how far they are, and which peers they came from.
// A download enters the library in one transaction, manifest and all. Its progress is kept in library-progress.ts.

import * as z from 'zod'
import { type Bitfield, createBitfield } from '../domain/bitfield.ts'
import { type Manifest, pieceCount } from '../domain/manifest.ts'
import { type Delivery, type DownloadState, downloadStates } from '../wire/agent-api.ts'
import { parseJson } from '../wire/json.ts'
import { manifestSchema } from '../wire/schemas.ts'
import type { LibraryConnection } from './library-connection.ts'
import type { LibraryManifests } from './library-manifests.ts'

export interface NewDownload {
  readonly user: string
  readonly group: string
  readonly name: string
  readonly share: string
  readonly manifest: Manifest
  /** The final path, and the part file's, both absolute. */
  readonly destination: string
  readonly part: string
  readonly overwrite: boolean
  /** ms since 1970. */
  readonly createdAt: number
}

export interface DownloadError {
  readonly code: string
  readonly message: string
}

/** What is known of a download without reading its manifest. */
export interface DownloadSummary extends Omit<NewDownload, 'manifest'> {
  readonly manifest: Pick<Manifest, 'size' | 'sha1' | 'pieceLength'>
  /** From 1 on; never used twice in a library. */
  readonly id: number
  readonly state: DownloadState
  /** The pieces that are right and on the disk. */
  readonly verified: Bitfield
  /** It has made its part file, or was about to. Until then, a file of that name belongs to someone else. */
  readonly madePart: boolean
  readonly error: DownloadError | undefined
  /** Spent downloading, without pauses. */
  readonly seconds: number
  /** Piece bytes fetched, verified or not. */
  readonly fetchedBytes: number
  readonly deliveries: readonly Delivery[]
  /** ms since 1970. */
  readonly finishedAt: number | undefined
}

export interface DownloadRecord extends DownloadSummary {
  readonly manifest: Manifest
}

/** What can change in a download's record; `undefined` clears an error or a finishing time. */
export interface DownloadChange {
  readonly state?: DownloadState
  readonly error?: DownloadError | undefined
  readonly madePart?: boolean
  readonly overwrite?: boolean
  readonly seconds?: number
  readonly finishedAt?: number | undefined
}

export interface LibraryDownloads {
  /** In the order in which they were created, as the following ones. Reads every manifest. */
  downloads(user: string): DownloadRecord[]
  downloadSummaries(user: string): DownloadSummary[]
  /** Those that are neither completed nor cancelled. */
  unfinishedDownloads(user: string): DownloadSummary[]
  download(id: number): DownloadRecord | undefined
  /** Queued, with no piece verified. */
  createDownload(download: NewDownload): DownloadRecord
  /** Throws a RangeError when there is no such download. */
  changeDownload(id: number, change: DownloadChange): void
}

const summaryRow = z.strictObject({
  id: z.number(),
  user: z.string(),
  group: z.string(),
  name: z.string(),
  share: z.string(),
  manifest: z
    .string()
    .transform(parseJson)
    .pipe(z.strictObject({ size: z.number(), sha1: z.string(), pieceLength: z.number() })),
  verified: z.instanceof(Buffer),
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
const downloadRow = summaryRow.extend({ manifest: z.string().transform(parseJson).pipe(manifestSchema) })

/**
 * Earlier agents created a download in two transactions. One killed in between left a row with no share, of a download
 * that had not begun and whose number was never shown. Joining with the manifests leaves it out.
 */
const selectDownloads = (where: string, manifest = 'manifest') => `
  SELECT id, user, group_name AS "group", name, share, ${manifest} AS manifest, verified, destination, part, made_part AS madePart,
    overwrite, state, error, seconds, fetched_bytes AS fetchedBytes, created_at AS createdAt, finished_at AS finishedAt
  FROM downloads JOIN progress ON download = id JOIN manifests USING (share) WHERE ${where} ORDER BY id`

interface ChangeableColumns {
  readonly state: string
  readonly error: string | null
  readonly made_part: number
  readonly overwrite: number
  readonly seconds: number
  readonly finished_at: number | null
}

const manifestSummary = `json_object('size', manifest ->> '$.size', 'sha1', manifest ->> '$.sha1',
    'pieceLength', manifest ->> '$.pieceLength')`
const isUnfinished = "state NOT IN ('completed', 'cancelled')"

export function createLibraryDownloads(connection: LibraryConnection, manifests: LibraryManifests): LibraryDownloads {
  const selectOfUser = connection.prepare(selectDownloads('user = ?'))
  const selectSummaries = connection.prepare(selectDownloads('user = ?', manifestSummary))
  const selectUnfinished = connection.prepare(selectDownloads(`user = ? AND ${isUnfinished}`, manifestSummary))
  const selectOne = connection.prepare(selectDownloads('id = ?'))
  const selectChangeable = connection.prepare(
    'SELECT state, error, made_part, overwrite, seconds, finished_at FROM downloads WHERE id = ? AND share IS NOT NULL',
  )
  const selectDeliveries = connection.prepare(
    'SELECT user, device, pieces, bytes, via FROM deliveries WHERE download = ? ORDER BY user, device, via',
  )
  const insert = connection.prepare(
    `INSERT INTO downloads (user, group_name, name, share, destination, part, overwrite, state, created_at)
     VALUES (?, ?, ?, ?, ?, ?, ?, 'queued', ?)`,
  )
  const insertProgress = connection.prepare('INSERT INTO progress (download, pieces, verified) VALUES (?, ?, ?)')
  const update = connection.prepare(
    `UPDATE downloads SET state = ?, error = ?, made_part = ?, overwrite = ?, seconds = ?, finished_at = ?
     WHERE id = ?`,
  )

  const complete = <Row extends z.output<typeof summaryRow>>({ verified, error, finishedAt, ...rest }: Row) => ({
    ...rest,
    verified: createBitfield(pieceCount(rest.manifest), verified),
    deliveries: selectDeliveries.all(rest.id) as Delivery[],
    error: error ?? undefined,
    finishedAt: finishedAt ?? undefined,
  })
  const summaryOf = (row: unknown): DownloadSummary => complete(connection.parse(summaryRow, row))
  const recordOf = (row: unknown): DownloadRecord => complete(connection.parse(downloadRow, row))
  const find = (id: number): DownloadRecord | undefined => {
    const row = selectOne.get(id)
    return row === undefined ? undefined : recordOf(row)
  }

  return {
    downloads: connection.transaction((user: string) => selectOfUser.all(user).map(recordOf)),
    downloadSummaries: connection.transaction((user: string) => selectSummaries.all(user).map(summaryOf)),
    unfinishedDownloads: connection.transaction((user: string) => selectUnfinished.all(user).map(summaryOf)),
    download: connection.transaction(find),

    createDownload: connection.transaction((download: NewDownload) => {
      const { user, group, name, share, manifest, destination, part, overwrite, createdAt } = download
      manifests.save(share, manifest)
      const { lastInsertRowid: id } = insert.run(
        user,
        group,
        name,
        share,
        destination,
        part,
        Number(overwrite),
        createdAt,
      )
      const pieces = pieceCount(manifest)
      insertProgress.run(id, pieces, createBitfield(pieces).toBytes())
      return find(Number(id))!
    }),

    changeDownload: connection.transaction((id: number, change: DownloadChange) => {
      // As the columns are: nothing else is read, least of all the manifest.
      const before = selectChangeable.get(id) as ChangeableColumns | undefined
      if (!before) throw new RangeError(`there is no download ${id}`)
      update.run(
        change.state ?? before.state,
        'error' in change ? (change.error ? JSON.stringify(change.error) : null) : before.error,
        change.madePart === undefined ? before.made_part : Number(change.madePart),
        change.overwrite === undefined ? before.overwrite : Number(change.overwrite),
        change.seconds ?? before.seconds,
        'finishedAt' in change ? (change.finishedAt ?? null) : before.finished_at,
        id,
      )
    }),
  }
}
