// What this device shares, and that the library, the offers to peers and the log agree about it. A file is on offer only
// while it is the one that was hashed; one that changed or vanished leaves sharing, and its owner is told (`troubles`).

import { realpath } from 'node:fs/promises'
import { basename } from 'node:path'
import pLimit from 'p-limit'
import type { Logger } from 'pino'
import { agentTunables } from '../../../config/agent.ts'
import { type Manifest, pieceCount, shareId } from '../../domain/manifest.ts'
import { parseFileName } from '../../domain/names.ts'
import { done, type Outcome } from '../../domain/refusal.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { type HashingOptions, hashFile } from '../../storage/hashing.ts'
import type { Library } from '../../storage/library.ts'
import { LibraryFailed } from '../../storage/library-file.ts'
import type { ShareRecord } from '../../storage/library-shares.ts'
import type { AgentParams, AgentResult } from '../../wire/agent-api.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { FileCheck, fileState } from './file-check.ts'
import { FileSweep } from './file-sweep.ts'
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
  readonly #sweep: FileSweep
  /** One change at a time: each takes a few steps over library, offers and log that must not mix. */
  readonly #changes = pLimit(1)

  constructor({ user, login, library, trackers, offers, log, onSession }: ShareRegistryNeeds) {
    this.#trackers = trackers
    const records = new ShareRecords(library, user)
    const parts = { records, offers: new ShareOffers(offers, records), troubles: new ShareTroubles(log) }
    this.#records = parts.records
    this.#offers = parts.offers
    this.#troubles = parts.troubles
    this.#reconciler = new ShareReconciler({ ...parts, trackers, library, login, onSession })
    this.#files = new FileCheck({ ...parts, reconciler: this.#reconciler, changes: this.#changes })
    this.#sweep = new FileSweep({ records, files: this.#files })
    // A file that left sharing while an earlier agent ran is still not shared.
    for (const entry of records.lost(agentTunables.mostTroubles))
      if (entry.state === 'changed' || entry.state === 'vanished') this.#troubles.noteFile(entry, entry.state)
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

  /** What peers may fetch of a share's file; undefined when that is not on offer. */
  findOffer(share: string): Offer | undefined {
    return this.#offers.find(share)
  }

  /** The trackers confirmed that this device shares it; false while the library's disk fails. */
  isRecorded(file: Pick<ShareRecord, 'group' | 'name' | 'share'>): boolean {
    try {
      const entry = this.#records.entry(file)
      return entry?.share === file.share && entry.state === 'sharing'
    } catch (error) {
      if (error instanceof LibraryFailed) return false
      throw error
    }
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
        this.#offers.withhold(record)
        this.#records.remove(record)
        this.#offers.release(record)
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

  /** Tells the trackers what is left to tell. */
  settle(): Promise<void> {
    return this.#changes(() => this.#reconciler.settle())
  }

  /** Checks every file. Rejects when the registry is closed meanwhile, as the following do. */
  async check(): Promise<void> {
    await this.#sweep.all()
    this.#offers.retryUnreadable()
  }

  /** Checks some files: in a row, these calls check all. */
  async checkNext(): Promise<void> {
    await this.#sweep.next()
    this.#offers.retryUnreadable()
  }

  /** Checks the files that the system says have changed. */
  checkChanged(): Promise<void> {
    return this.#sweep.changed()
  }

  /** Checks the file of a share that could not be read. Until the next check of others it is not on offer. */
  async checkUnreadable(share: string): Promise<void> {
    this.#offers.markUnreadable(share)
    const record = this.#records.ofId(share)
    if (record) await this.#files.check(record)
  }

  async close(): Promise<void> {
    this.#sweep.close()
    this.#files.close()
    await this.#offers.close()
  }

  #save(record: ShareRecord): void {
    const before = this.#records.entry(record)
    this.#records.save(record)
    // Another version of it, which no peer may go on fetching.
    if (before && before.share !== record.share) this.#offers.withhold(before)
    this.#offers.add(record)
    this.#sweep.watch(record.path)
    this.#troubles.settle(record)
  }
}
