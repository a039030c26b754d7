// What peers may fetch of this device's shared files: one whole-file offer a share, read through a few open files. A read
// fails once the file is no longer the one that was hashed.

import { fullBitfield } from '../../domain/bitfield.ts'
import { pieceCount } from '../../domain/manifest.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import type { ShareRecord } from '../../storage/library-shares.ts'
import type { OfferTable } from './offer-table.ts'
import { createOpenFiles, type OpenFiles } from './open-files.ts'
import { type ShareName, shareNameKey } from './share-records.ts'

export class ShareOffers {
  readonly #table: Pick<OfferTable, 'add' | 'remove'>
  readonly #files: OpenFiles
  readonly #offers = new Map<string, Offer>()

  constructor(table: Pick<OfferTable, 'add' | 'remove'>, files: OpenFiles = createOpenFiles()) {
    this.#table = table
    this.#files = files
  }

  get size(): number {
    return this.#offers.size
  }

  has(share: ShareName): boolean {
    return this.#offers.has(shareNameKey(share))
  }

  /** Replaces an earlier offer of that name without a gap. */
  add(record: ShareRecord): void {
    const { share, group, manifest, path, fingerprint } = record
    const offer: Offer = {
      share,
      group,
      manifest,
      have: fullBitfield(pieceCount(manifest)),
      read: (piece, offset, into) => this.#files.read(path, fingerprint, piece * manifest.pieceLength + offset, into),
    }
    const earlier = this.#offers.get(shareNameKey(record))
    this.#offers.set(shareNameKey(record), offer)
    this.#table.add(offer)
    if (earlier) this.#table.remove(earlier)
  }

  remove(share: ShareName): void {
    const offer = this.#offers.get(shareNameKey(share))
    if (!offer) return
    this.#offers.delete(shareNameKey(share))
    this.#table.remove(offer)
  }

  close(): Promise<void> {
    return this.#files.close()
  }
}
