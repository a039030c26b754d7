// A back-up of a cluster in one file: its plan, its secrets, and every entry of its log in order. The format is gzipped JSON
// lines: a head, the entries, and an end with the SHA-256 of all lines before it, so a truncated or altered file is always
// detected. The file holds all secrets of the cluster, so only its owner can read it.

import { createHash } from 'node:crypto'
import { createReadStream, createWriteStream } from 'node:fs'
import { Readable } from 'node:stream'
import { pipeline } from 'node:stream/promises'
import { createGunzip, createGzip } from 'node:zlib'
import * as z from 'zod'
import { clusterSecretsSchema } from '../wire/cluster-secrets.ts'
import { sequenceSchema } from '../wire/schemas.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { clusterPlanSchema } from './cluster-plan.ts'

/** Raise it when trackers no longer read the entries of older back-ups: a cluster restored from those would be empty. */
export const backupVersion = 2

const headSchema = z.strictObject({
  format: z.literal('shoal-backup'),
  version: z.literal(backupVersion),
  /** ms since 1970. */
  madeAt: z.number().int().positive(),
  /** When the log was created, as the brokers report it. */
  created: z.string().max(100),
  lastSeq: sequenceSchema,
  plan: clusterPlanSchema,
  secrets: clusterSecretsSchema,
})
export type BackupHead = z.infer<typeof headSchema>

const entrySchema = z.strictObject({
  seq: sequenceSchema,
  subject: z.string().max(300),
  /** Base64. Entries that trackers cannot read are kept too, or the trackers' digests would differ. */
  data: z.base64(),
})
const endSchema = z.strictObject({ end: z.literal(true), sha256: z.string() })

export interface BackupEntry {
  readonly seq: number
  readonly subject: string
  readonly data: Uint8Array
}

/** Writes a new file, mode 600. Throws what the file system throws (EEXIST, ENOSPC), and then leaves a partial file. */
export async function writeBackup(file: string, head: BackupHead, entries: AsyncIterable<BackupEntry>): Promise<void> {
  async function* lines() {
    const hash = createHash('sha256')
    const line = (value: object) => {
      const text = `${JSON.stringify(value)}\n`
      hash.update(text)
      return text
    }
    yield line(head)
    for await (const { seq, subject, data } of entries)
      yield line({ seq, subject, data: Buffer.from(data).toString('base64') })
    yield `${JSON.stringify({ end: true, sha256: hash.digest('hex') })}\n`
  }
  await pipeline(
    Readable.from(lines()),
    createGzip(),
    createWriteStream(file, { flags: 'wx', mode: 0o600, flush: true }),
  )
}

async function* linesOf(file: string): AsyncGenerator<string> {
  const unzipped = createGunzip()
  const bytes = createReadStream(file).on('error', error => unzipped.destroy(error))
  bytes.pipe(unzipped).setEncoding('utf8')
  let rest = ''
  try {
    for await (const text of unzipped) {
      const lines = (rest + text).split('\n')
      rest = lines.pop() ?? ''
      yield* lines
    }
  } finally {
    bytes.destroy()
  }
}

export interface Backup {
  readonly head: BackupHead
  /** The entries from 1 on, without a gap. Each call reads the file again. */
  entries(): AsyncIterable<BackupEntry>
}

/** Checks the whole file. Throws ClusterFailure `no-backup` when it is missing, damaged, truncated or not a back-up. */
export async function openBackup(file: string): Promise<Backup> {
  const unusable = (why: string, cause?: unknown) =>
    new ClusterFailure('no-backup', `${file} cannot be restored: ${why}; use another back-up`, { cause })
  let head: BackupHead | undefined

  async function* read(): AsyncGenerator<BackupEntry> {
    const hash = createHash('sha256')
    let seq = 0
    let isWhole = false
    try {
      for await (const line of linesOf(file)) {
        const value: unknown = JSON.parse(line)
        const end = endSchema.safeParse(value)
        if (end.success) {
          isWhole = end.data.sha256 === hash.digest('hex')
          break
        }
        hash.update(`${line}\n`)
        if (seq === 0 && !('seq' in (value as object))) {
          head = headSchema.parse(value)
          continue
        }
        const entry = entrySchema.parse(value)
        seq += 1
        if (entry.seq !== seq) throw new Error(`entry ${seq} is missing`)
        yield { ...entry, data: Buffer.from(entry.data, 'base64') }
      }
    } catch (cause) {
      const isMissing = (cause as NodeJS.ErrnoException).code === 'ENOENT'
      throw unusable(isMissing ? 'there is no such file' : 'it is damaged, or not a back-up of this version', cause)
    }
    if (!isWhole || !head || seq !== head.lastSeq) throw unusable('it is truncated or was altered')
  }

  for await (const _ of read());
  if (!head) throw unusable('its head is missing')
  return { head, entries: read }
}
