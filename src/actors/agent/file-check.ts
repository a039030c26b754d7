// Finds shared files that are not what they were when they were hashed. Such a file is withdrawn at once and hashed again:
// the same bytes go on under a new fingerprint; a changed or missing file leaves sharing, and its owner is told.

import { stat } from 'node:fs/promises'
import pLimit, { type LimitFunction } from 'p-limit'
import type { Manifest } from '../../domain/manifest.ts'
import type { Outcome } from '../../domain/refusal.ts'
import { type Fingerprint, fingerprintOf, isSameFingerprint } from '../../storage/fingerprint.ts'
import { type HashedFile, hashFile } from '../../storage/hashing.ts'
import type { ShareEntry, ShareRecord } from '../../storage/library-shares.ts'
import type { ShareOffers } from './share-offers.ts'
import type { ShareReconciler } from './share-reconciler.ts'
import { type ShareRecords, shareNameKey } from './share-records.ts'
import type { ShareTroubles } from './share-troubles.ts'

export interface FileCheckNeeds {
  readonly records: ShareRecords
  readonly offers: ShareOffers
  readonly troubles: ShareTroubles
  readonly reconciler: Pick<ShareReconciler, 'announce' | 'retract' | 'markUnreconciled'>
  /** Runs the registry's changes one at a time. */
  readonly changes: LimitFunction
}

export type FileState = 'same' | 'changed' | 'vanished'

/** What cannot be read counts as vanished. */
export async function fileState(path: string, fingerprint: Fingerprint): Promise<FileState> {
  try {
    return isSameFingerprint(fingerprintOf(await stat(path, { bigint: true })), fingerprint) ? 'same' : 'changed'
  } catch {
    return 'vanished'
  }
}

const hasSameBytes = (a: Pick<Manifest, 'size' | 'sha256' | 'sha1'>, b: Pick<Manifest, 'size' | 'sha256' | 'sha1'>) =>
  a.size === b.size && a.sha256 === b.sha256 && a.sha1 === b.sha1

export class FileCheck {
  readonly #needs: FileCheckNeeds
  readonly #hashing = new Set<string>()
  readonly #closing = new AbortController()
  /** Files are hashed one at a time; no change of the registry waits for them. */
  readonly #hashes = pLimit(1)

  constructor(needs: FileCheckNeeds) {
    this.#needs = needs
  }

  /** Rejects when this is closed meanwhile. */
  async check(entry: ShareEntry): Promise<void> {
    const { offers } = this.#needs
    if (entry.state === 'changed' || this.#isHashing(entry)) return
    const state = await fileState(entry.path, entry.fingerprint)
    // Most files, most of the time: nothing is read from the library.
    if (state === 'same' && entry.state !== 'vanished' && !offers.isWithheld(entry)) return
    if (state === 'vanished' && entry.state === 'vanished') return
    const now = this.#currentOf(entry)
    if (!now || this.#isHashing(now)) return
    if (state === 'same' && offers.isWithheld(now) && now.state !== 'vanished') return this.#offer(now)
    offers.withhold(now)
    await this.#hashAgain(now, state)
  }

  /** Stops what is being hashed. */
  close(): void {
    this.#closing.abort()
  }

  #isHashing(entry: ShareEntry): boolean {
    return this.#hashing.has(shareNameKey(entry))
  }

  /** The record as it is now; undefined when the share was removed or replaced since. */
  #currentOf(checked: ShareEntry): ShareRecord | undefined {
    const now = this.#needs.records.get(checked)
    const isTheSame = now?.share === checked.share && now.path === checked.path
    return isTheSame && isSameFingerprint(now.fingerprint, checked.fingerprint) ? now : undefined
  }

  /** Hashing may take minutes, so it runs outside the changes; whatever happened to the share meanwhile wins. */
  async #hashAgain(record: ShareRecord, state: FileState): Promise<void> {
    this.#hashing.add(shareNameKey(record))
    try {
      const { signal } = this.#closing
      const hashed = state === 'vanished' ? undefined : await this.#hashes(() => hashFile(record.path, { signal }))
      await this.#needs.changes(async () => {
        const now = this.#currentOf(record)
        if (now) await this.#settle(now, hashed)
        else this.#needs.offers.release(record)
      })
    } finally {
      this.#hashing.delete(shareNameKey(record))
    }
  }

  /** Applies what hashing found: undefined when the file is missing, a refusal when it cannot be read. */
  async #settle(record: ShareRecord, hashed: Outcome<HashedFile> | undefined): Promise<void> {
    const { records, offers, troubles, reconciler } = this.#needs
    if (hashed?.ok && hasSameBytes(hashed.value, record.manifest)) {
      const state = record.state === 'vanished' ? 'announcing' : record.state
      const fresh: ShareRecord = { ...record, fingerprint: hashed.value.fingerprint, state }
      records.save(fresh)
      this.#offer(fresh)
      if (state === 'announcing' && !(await reconciler.announce(fresh))) reconciler.markUnreconciled()
      return
    }
    const state = hashed?.ok ? 'changed' : 'vanished'
    if (record.state !== state) records.setState(record, state)
    offers.release(record)
    if (record.state === state) return
    troubles.noteFile(record, state)
    if (!(await reconciler.retract(record))) reconciler.markUnreconciled()
  }

  #offer(record: ShareRecord): void {
    this.#needs.offers.add(record)
    this.#needs.troubles.settle(record)
  }
}
