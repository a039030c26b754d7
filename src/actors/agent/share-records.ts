// One user's shares on this device: the library's records, held in memory as well. A change goes to the library first, so
// memory never holds what the disk refused.

import type { Library } from '../../storage/library.ts'
import type { ShareRecord, ShareState } from '../../storage/library-shares.ts'

/** Names one share: a group holds one file of a name. */
export type ShareName = Pick<ShareRecord, 'group' | 'name'>

/** `group/name`: a group's id holds no slash. */
export const shareNameKey = ({ group, name }: ShareName): string => `${group}/${name}`

type ShareTable = Pick<Library, 'shares' | 'saveShare' | 'setShareState' | 'removeShare'>

export class ShareRecords {
  readonly #library: ShareTable
  readonly #user: string
  readonly #records: Map<string, ShareRecord>

  constructor(library: ShareTable, user: string) {
    this.#library = library
    this.#user = user
    this.#records = new Map(library.shares(user).map(record => [shareNameKey(record), record]))
  }

  /** A copy, so that the caller may change records while it goes through them. */
  all(): ShareRecord[] {
    return [...this.#records.values()]
  }

  get(share: ShareName): ShareRecord | undefined {
    return this.#records.get(shareNameKey(share))
  }

  /** Adds it, or replaces the one of that group and name. */
  save(record: ShareRecord): void {
    this.#library.saveShare(this.#user, record)
    this.#records.set(shareNameKey(record), record)
  }

  setState(record: ShareRecord, state: ShareState): void {
    this.#library.setShareState(this.#user, record.group, record.name, state)
    this.#records.set(shareNameKey(record), { ...record, state })
  }

  remove({ group, name }: ShareName): void {
    this.#library.removeShare(this.#user, group, name)
    this.#records.delete(shareNameKey({ group, name }))
  }
}
