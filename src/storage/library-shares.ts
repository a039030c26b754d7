// What each person shares from this device. A manifest is read with one share at a time; lists come in pages without them.

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

/** Names one share: a group holds one file of a name. */
export interface ShareName {
  readonly group: string
  /** The manifest's; unique within its group. */
  readonly name: string
}

/** A share without its manifest. */
export interface ShareEntry extends ShareName {
  readonly share: string
  /** Absolute. */
  readonly path: string
  /** The file's when it was hashed. */
  readonly fingerprint: Fingerprint
  readonly state: ShareState
}

export interface ShareRecord extends ShareEntry {
  readonly manifest: Manifest
}

export interface LibraryShares {
  /** All of them, manifests included. */
  shares(user: string): ShareRecord[]
  share(user: string, name: ShareName): ShareRecord | undefined
  /** A share's id names its group and its name as well, so a user has at most one of an id. */
  shareOfId(user: string, share: string): ShareRecord | undefined
  shareEntry(user: string, name: ShareName): ShareEntry | undefined
  /** At most that many, by group and name, from the one that follows `after` on, or from the first. */
  shareEntries(user: string, after: ShareName | undefined, most: number): ShareEntry[]
  /** The shares of one file. */
  shareEntriesAt(user: string, path: string): ShareEntry[]
  /** Those that the trackers do not know yet, at most that many. */
  announcingEntries(user: string, most: number): ShareEntry[]
  /** The last of those that were taken off offer, by group and name, at most that many. */
  lostEntries(user: string, most: number): ShareEntry[]
  /** How many are on offer. */
  countShares(user: string): number
  /** Adds it, or replaces the one of that group and name. */
  saveShare(user: string, share: ShareRecord): void
  setShareState(user: string, group: string, name: string, state: ShareState): void
  removeShare(user: string, group: string, name: string): void
}

const entryRow = z.strictObject({
  group: z.string(),
  name: z.string(),
  share: z.string(),
  path: z.string(),
  fingerprint: z.string().transform(parseJson).pipe(fingerprintSchema),
  state: z.enum(shareStates),
})
const shareRow = entryRow.extend({ manifest: z.string().transform(parseJson).pipe(manifestSchema) })

const entryColumns = 'group_name AS "group", name, share, path, fingerprint, state'
const selectEntries = (where: string) => `SELECT ${entryColumns} FROM shares WHERE user = ? AND ${where}`
const selectShares = (where: string) =>
  `SELECT ${entryColumns}, manifest FROM shares JOIN manifests USING (share) WHERE user = ? AND ${where}`
const hasName = 'group_name = ? AND name = ?'

export function createLibraryShares(connection: LibraryConnection, manifests: LibraryManifests): LibraryShares {
  return { ...createReads(connection), ...createWrites(connection, manifests) }
}

type Writes = 'saveShare' | 'setShareState' | 'removeShare'

function createReads(connection: LibraryConnection): Omit<LibraryShares, Writes> {
  const selectAll = connection.prepare(`${selectShares('true')} ORDER BY group_name, name`)
  const selectOne = connection.prepare(selectShares(hasName))
  const selectOfId = connection.prepare(selectShares('share = ?'))
  const selectEntry = connection.prepare(selectEntries(hasName))
  const selectPage = connection.prepare(
    `${selectEntries('(group_name, name) > (?, ?)')} ORDER BY group_name, name LIMIT ?`,
  )
  const selectAt = connection.prepare(selectEntries('path = ?'))
  // Said as the index of the unsettled ones says it, so that SQLite may use that.
  const isLost = "state != 'sharing' AND state IN ('changed', 'vanished')"
  const selectAnnouncing = connection.prepare(
    `${selectEntries("state != 'sharing' AND state = 'announcing'")} ORDER BY group_name, name LIMIT ?`,
  )
  const selectLost = connection.prepare(`${selectEntries(isLost)} ORDER BY group_name DESC, name DESC LIMIT ?`)
  const countAll = connection.prepare('SELECT count(*) FROM shares WHERE user = ?').pluck()
  const countLost = connection.prepare(`SELECT count(*) FROM shares WHERE user = ? AND ${isLost}`).pluck()

  const entryOf = (row: unknown): ShareEntry => connection.parse(entryRow, row)
  const recordOf = (row: unknown): ShareRecord => connection.parse(shareRow, row)
  const maybe = <T>(row: unknown, read: (row: unknown) => T): T | undefined => (row === undefined ? row : read(row))

  return {
    shares: connection.transaction((user: string) => selectAll.all(user).map(recordOf)),
    share: connection.transaction((user: string, { group, name }: ShareName) =>
      maybe(selectOne.get(user, group, name), recordOf),
    ),
    shareOfId: connection.transaction((user: string, share: string) => maybe(selectOfId.get(user, share), recordOf)),
    shareEntry: connection.transaction((user: string, { group, name }: ShareName) =>
      maybe(selectEntry.get(user, group, name), entryOf),
    ),
    shareEntries: connection.transaction((user: string, after: ShareName | undefined, most: number) =>
      selectPage.all(user, after?.group ?? '', after?.name ?? '', most).map(entryOf),
    ),
    shareEntriesAt: connection.transaction((user: string, path: string) => selectAt.all(user, path).map(entryOf)),
    announcingEntries: connection.transaction((user: string, most: number) =>
      selectAnnouncing.all(user, most).map(entryOf),
    ),
    lostEntries: connection.transaction((user: string, most: number) =>
      selectLost.all(user, most).map(entryOf).reverse(),
    ),
    countShares: connection.transaction(
      (user: string) => (countAll.get(user) as number) - (countLost.get(user) as number),
    ),
  }
}

function createWrites(connection: LibraryConnection, manifests: LibraryManifests): Pick<LibraryShares, Writes> {
  const selectId = connection.prepare(`SELECT share FROM shares WHERE user = ? AND ${hasName}`).pluck()
  const replace = connection.prepare(
    `INSERT OR REPLACE INTO shares (user, group_name, name, share, path, fingerprint, state)
     VALUES (?, ?, ?, ?, ?, ?, ?)`,
  )
  const setState = connection.prepare(`UPDATE shares SET state = ? WHERE user = ? AND ${hasName}`)
  const remove = connection.prepare(`DELETE FROM shares WHERE user = ? AND ${hasName}`)

  return {
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
