// What each person shares from this device.

import * as z from 'zod'
import type { Manifest } from '../domain/manifest.ts'
import { parseJson } from '../wire/json.ts'
import { manifestSchema } from '../wire/schemas.ts'
import { type Fingerprint, fingerprintSchema } from './fingerprint.ts'
import type { LibraryConnection } from './library-connection.ts'
import type { LibraryManifests } from './library-manifests.ts'

/**
 * `announcing`: on offer, but the trackers do not know it yet. `sharing`: they do; if they lack it later, it was
 * withdrawn elsewhere. `changed` and `vanished`: taken off offer, because the file is no longer the one that was shared.
 */
const shareStates = ['announcing', 'sharing', 'changed', 'vanished'] as const
export type ShareState = (typeof shareStates)[number]

export interface ShareRecord {
  readonly group: string
  /** The manifest's; unique within its group. */
  readonly name: string
  readonly share: string
  readonly manifest: Manifest
  /** Absolute. */
  readonly path: string
  /** The file's when it was hashed. */
  readonly fingerprint: Fingerprint
  readonly state: ShareState
}

export interface LibraryShares {
  shares(user: string): ShareRecord[]
  /** Adds it, or replaces the one of that group and name. */
  saveShare(user: string, share: ShareRecord): void
  setShareState(user: string, group: string, name: string, state: ShareState): void
  removeShare(user: string, group: string, name: string): void
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

export function createLibraryShares(connection: LibraryConnection, manifests: LibraryManifests): LibraryShares {
  const select = connection.prepare(
    `SELECT group_name AS "group", name, share, manifest, path, fingerprint, state
     FROM shares JOIN manifests USING (share) WHERE user = ? ORDER BY group_name, name`,
  )
  const replace = connection.prepare(
    `INSERT OR REPLACE INTO shares (user, group_name, name, share, path, fingerprint, state)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const selectId = connection.prepare('SELECT share FROM shares WHERE user = ? AND group_name = ? AND name = ?').pluck()
  const setState = connection.prepare('UPDATE shares SET state = ? WHERE user = ? AND group_name = ? AND name = ?')
  const remove = connection.prepare('DELETE FROM shares WHERE user = ? AND group_name = ? AND name = ?')

  return {
    shares: connection.transaction((user: string) => select.all(user).map(row => connection.parse(shareRow, row))),

    saveShare: connection.transaction((user: string, record: ShareRecord) => {
      const { group, name, share, manifest, path, fingerprint, state } = record
      const replaced = selectId.get(user, group, name) as string | undefined
      manifests.save(share, manifest)
      replace.run(user, group, name, share, path, JSON.stringify(fingerprint), state)
      if (replaced !== undefined && replaced !== share) manifests.removeUnused(replaced)
    }),

    setShareState: connection.transaction((user: string, group: string, name: string, state: ShareState) => {
      setState.run(state, user, group, name)
    }),

    removeShare: connection.transaction((user: string, group: string, name: string) => {
      const removed = selectId.get(user, group, name) as string | undefined
      remove.run(user, group, name)
      if (removed !== undefined) manifests.removeUnused(removed)
    }),
  }
}
