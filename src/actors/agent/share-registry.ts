// What this device shares, and that the library, the offers to peers and the log agree about it. A file is on offer only
// while it is the one that was hashed; one that changed or vanished leaves sharing, and its owner is told (`troubles`).

import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { type Manifest, pieceCount, shareId } from '../../domain/manifest.ts'
import { parseFileName } from '../../domain/names.ts'
import { done, type Outcome } from '../../domain/refusal.ts'
import { type HashingOptions, hashFile } from '../../storage/hashing.ts'
import type { Library } from '../../storage/library.ts'
import type { ShareRecord } from '../../storage/library-shares.ts'
import type { AgentParams, AgentResult } from '../../wire/agent-api.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { FileCheck, fileState } from './file-check.ts'
import type { OfferTable } from './offer-table.ts'
import { ShareOffers } from './share-offers.ts'
import { isTemporary, ShareReconciler } from './share-reconciler.ts'
import { ShareRecords } from './share-records.ts'
import { ShareTroubles, type Trouble } from './share-troubles.ts'

export interface ShareRegistryNeeds {
  readonly user: string
  /** Identifies this device's login: a restored cluster knows it, another cluster never does. */
  readonly login: string
  readonly library: Library
  readonly trackers: TrackerClient
  readonly offers: OfferTable
  readonly log: Logger
  /** Called with what the trackers say about this device, each time they were asked. */
  readonly onSession?: (session: AgentSession) => void
}

const summaryOf = ({ group, name, manifest }: ShareRecord) =>
  done({ group, name, size: manifest.size, sha1: manifest.sha1, pieces: pieceCount(manifest) })

export class ShareRegistry {
  readonly #trackers: TrackerClient
  readonly #records: ShareRecords
  readonly #offers: ShareOffers
  readonly #troubles: ShareTroubles
  readonly #reconciler: ShareReconciler
  readonly #files: FileCheck
  /** One change at a time: each takes a few steps over library, offers and log that must not mix. */
  readonly #changes = pLimit(1)

  constructor({ user, login, library, trackers, offers, log, onSession }: ShareRegistryNeeds) {
    this.#trackers = trackers
    const parts = {
      records: new ShareRecords(library, user),
      offers: new ShareOffers(offers),
      troubles: new ShareTroubles(log),
    }
    this.#records = parts.records
    this.#offers = parts.offers
    this.#troubles = parts.troubles
    this.#reconciler = new ShareReconciler({ ...parts, trackers, library, login, onSession })
    this.#files = new FileCheck({ ...parts, reconciler: this.#reconciler, changes: this.#changes })
    // A file that left sharing while an earlier agent ran is still not shared.
    for (const record of this.#records.all())
      if (record.state === 'changed' || record.state === 'vanished') this.#troubles.noteFile(record, record.state)
  }

  /** Files on offer. */
  get sharing(): number {
    return this.#offers.size
  }

  /** Why files stopped being shared although their owner did not ask for it, the latest last. */
  get troubles(): readonly Trouble[] {
    return this.#troubles.list
  }

  /** Library and log agreed when they were last compared, and nothing has been left to tell since. */
  get isReconciled(): boolean {
    return this.#reconciler.isReconciled
  }

  /** The trackers confirmed that this device shares it. */
  isRecorded(file: Pick<ShareRecord, 'group' | 'name' | 'share'>): boolean {
    const record = this.#records.get(file)
    return record?.share === file.share && record.state === 'sharing'
  }

  /** Hashes the file, unless it is on offer already, and shares it. */
  async share(params: AgentParams<'share'>, options: HashingOptions): Promise<Outcome<AgentResult<'share'>>> {
    const { group } = params
    const name = parseFileName(params.name ?? basename(params.path))
    if (!name.ok) return name
    // Asked before hashing, so that a user who may not share there hears it at once.
    const found = await this.#trackers.ask('swarm.locate', { group, name: name.value })
    if (!found.ok && found.code !== 'no-such-file') return found
    const path = await realpath(params.path).catch(() => params.path)
    const known = this.#records.get({ group, name: name.value })
    const isOnOffer = known?.state === 'sharing' && known.path === path && this.#offers.has(known)
    if (isOnOffer && (await fileState(path, known.fingerprint)) === 'same') return summaryOf(known)

    const hashed = await hashFile(path, options)
    if (!hashed.ok) return hashed
    const { fingerprint, ...hashes } = hashed.value
    const manifest: Manifest = { name: name.value, ...hashes }
    return this.#changes(async () => {
      const added = await this.#trackers.ask('share.add', { group, manifest })
      if (!added.ok) return added
      const share = shareId(group, manifest)
      const record: ShareRecord = { group, name: name.value, share, manifest, path, fingerprint, state: 'sharing' }
      this.#save(record)
      return summaryOf(record)
    })
  }

  /** Withdraws it from all of this user's devices. */
  unshare({ group, name }: AgentParams<'unshare'>): Promise<Outcome<AgentResult<'unshare'>>> {
    return this.#changes(async () => {
      const removed = await this.#trackers.ask('share.remove', { group, name, devices: 'all' })
      const record = this.#records.get({ group, name })
      // Also when the log did not have it: the user wants it shared neither there nor here.
      if (record && (removed.ok || !isTemporary(removed.code))) {
        this.#offers.remove(record)
        this.#records.remove(record)
      }
      if (removed.ok) return done({})
      // A finished download that had not been announced yet was shared here alone; now it is not.
      const wasUnannounced = record?.state === 'announcing' && ['not-sharing', 'no-such-file'].includes(removed.code)
      return wasUnannounced ? done({}) : removed
    })
  }

  /**
   * Records and offers a finished download at once, and has it announced once the trackers can be reached. Waits for no
   * other change: a download completes even while the trackers are away.
   */
  adopt(file: Omit<ShareRecord, 'state'>): void {
    this.#save({ ...file, state: 'announcing' })
    this.#reconciler.markUnreconciled()
  }

  /** Makes library and log agree, as far as the trackers can be reached. */
  reconcile(): Promise<void> {
    return this.#changes(() => this.#reconciler.reconcile())
  }

  /** Checks every file, or those of one share. Rejects when the registry is closed meanwhile. */
  async check(share?: string): Promise<void> {
    for (const record of this.#records.all())
      if (share === undefined || record.share === share) await this.#files.check(record)
  }

  async close(): Promise<void> {
    this.#files.close()
    await this.#offers.close()
  }

  #save(record: ShareRecord): void {
    this.#records.save(record)
    this.#offers.add(record)
    this.#troubles.settle(record)
  }
}
