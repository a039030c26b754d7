// One user's shares on this device, as the library has them. Nothing of a share is held in memory: a device may have a
// hundred thousand. Every method throws LibraryFailed while the library's disk fails.

import type { Library } from '../../storage/library.ts'
import type { LibraryShares, ShareEntry, ShareName, ShareRecord, ShareState } from '../../storage/library-shares.ts'

/** `group/name`: a group's id holds no slash. */
export const shareNameKey = ({ group, name }: ShareName): string => `${group}/${name}`

type ShareTable = Pick<Library, Exclude<keyof LibraryShares, 'shares'>>

export class ShareRecords {
  readonly #library: ShareTable
  readonly #user: string

  constructor(library: ShareTable, user: string) {
    this.#library = library
    this.#user = user
  }

  /** How many are on offer, as far as their records say. */
  get onOffer(): number {
    return this.#library.countShares(this.#user)
  }

  get(name: ShareName): ShareRecord | undefined {
    return this.#library.share(this.#user, name)
  }

  ofId(share: string): ShareRecord | undefined {
    return this.#library.shareOfId(this.#user, share)
  }

  entry(name: ShareName): ShareEntry | undefined {
    return this.#library.shareEntry(this.#user, name)
  }

  /** The shares of one file. */
  at(path: string): ShareEntry[] {
    return this.#library.shareEntriesAt(this.#user, path)
  }

  /** At most that many, in an order of their own, from the one that follows `after` on, or from the first. */
  page(after: ShareName | undefined, most: number): ShareEntry[] {
    return this.#library.shareEntries(this.#user, after, most)
  }

  /** Those that the trackers do not know yet, at most that many. */
  announcing(most: number): ShareEntry[] {
    return this.#library.announcingEntries(this.#user, most)
  }

  /** Those whose files have changed or vanished, at most that many. */
  lost(most: number): ShareEntry[] {
    return this.#library.lostEntries(this.#user, most)
  }

  /** Adds it, or replaces the one of that group and name. */
  save(record: ShareRecord): void {
    this.#library.saveShare(this.#user, record)
  }

  setState({ group, name }: ShareName, state: ShareState): void {
    this.#library.setShareState(this.#user, group, name, state)
  }

  remove({ group, name }: ShareName): void {
    this.#library.removeShare(this.#user, group, name)
  }
}
