// What peers may fetch of this device's shared files: one whole-file offer a share, made from its record when a peer comes
// for it, and read through a few open files. A read fails once the file is no longer the one that was hashed, so a file
// may be on offer before it was checked.

import { uploadTunables } from '../../../config/swarm.ts'
import { fullBitfield } from '../../domain/bitfield.ts'
import { pieceCount } from '../../domain/manifest.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { LibraryFailed } from '../../storage/library-file.ts'
import type { ShareEntry, ShareName, ShareRecord } from '../../storage/library-shares.ts'
import type { OfferTable } from './offer-table.ts'
import { createOpenFiles, type OpenFiles } from './open-files.ts'
import { type ShareRecords, shareNameKey } from './share-records.ts'

const isOffered = ({ state }: Pick<ShareEntry, 'state'>) => state === 'sharing' || state === 'announcing'

export class ShareOffers {
  readonly #table: Pick<OfferTable, 'add' | 'removeFile'>
  readonly #records: Pick<ShareRecords, 'ofId' | 'onOffer'>
  readonly #files: OpenFiles
  /** Made lately, by share: a peer that fetches is looked up many times. */
  readonly #made = new RecentMap<string, Offer>(uploadTunables.maxOpenFiles)
  /** By group and name: off offer whatever the record says. True for those whose record says that they are on offer. */
  readonly #withheld = new Map<string, boolean>()
  /** By the records, when they were last counted. */
  #onOffer = 0
  /** Shares that could not be read. */
  readonly #unreadable = new Set<string>()

  constructor(
    table: Pick<OfferTable, 'add' | 'removeFile'>,
    records: Pick<ShareRecords, 'ofId' | 'onOffer'>,
    files: OpenFiles = createOpenFiles(),
  ) {
    this.#table = table
    this.#records = records
    this.#files = files
  }

  /** How many files are on offer. While the library's disk fails: how many there were. */
  get size(): number {
    this.#onOffer = this.#read(() => this.#records.onOffer) ?? this.#onOffer
    return this.#onOffer - [...this.#withheld.values()].filter(Boolean).length
  }

  /** Whether a share with this record is on offer. */
  has(entry: ShareEntry): boolean {
    return isOffered(entry) && !this.isWithheld(entry)
  }

  isWithheld(name: ShareName): boolean {
    return this.#withheld.has(shareNameKey(name))
  }

  /** Undefined when it is not on offer, or the library's disk fails. */
  find(share: string): Offer | undefined {
    if (this.#unreadable.has(share)) return undefined
    const made = this.#made.get(share)
    if (made) return made
    const record = this.#read(() => this.#records.ofId(share))
    if (!record || !this.has(record)) return undefined
    return this.#make(record)
  }

  /** It is on offer from now on, under this record: in place of an earlier offer, without a gap. */
  add(record: ShareRecord): void {
    this.#withheld.delete(shareNameKey(record))
    this.#unreadable.delete(record.share)
    this.#table.add(this.#make(record))
  }

  /** Takes it off offer, whatever its record says, until it is added or released. */
  withhold(entry: ShareEntry): void {
    this.#withheld.set(shareNameKey(entry), isOffered(entry))
    this.#made.delete(entry.share)
    this.#table.removeFile(entry.share)
  }

  /** Its record says from now on whether it is on offer. */
  release(name: ShareName): void {
    this.#withheld.delete(shareNameKey(name))
  }

  /** It could not be read: no peer is given it until `retryUnreadable`. */
  markUnreadable(share: string): void {
    this.#unreadable.add(share)
    this.#made.delete(share)
  }

  retryUnreadable(): void {
    this.#unreadable.clear()
  }

  close(): Promise<void> {
    return this.#files.close()
  }

  #make({ share, group, manifest, path, fingerprint }: ShareRecord): Offer {
    const offer: Offer = {
      share,
      group,
      manifest,
      have: fullBitfield(pieceCount(manifest)),
      isFindable: true,
      read: (piece, offset, into) => this.#files.read(path, fingerprint, piece * manifest.pieceLength + offset, into),
    }
    this.#made.set(share, offer)
    return offer
  }

  /** Undefined when the library's disk fails. */
  #read<T>(read: () => T): T | undefined {
    try {
      return read()
    } catch (error) {
      if (error instanceof LibraryFailed) return undefined
      throw error
    }
  }
}
