// The disk side of one run of a download: it prepares the destination, fills the part file, offers what is verified to
// others, and gives the file its name once the whole is verified. A piece is recorded and on offer only after its SHA-1
// matched and it was written. Every step that fails ends the run with a refusal.

import { unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { type Bitfield, createBitfield, fullBitfield } from '../../domain/bitfield.ts'
import { parseDeviceKey } from '../../domain/device-ref.ts'
import { pieceCount } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { refuse } from '../../domain/refusal.ts'
import type { DownloadSpec, StoreCommand, StoreEvent } from '../../machines/download-protocol.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import type { Fingerprint } from '../../storage/fingerprint.ts'
import { recheckPieces } from '../../storage/hashing.ts'
import type { Library } from '../../storage/library.ts'
import type { DownloadRecord } from '../../storage/library-downloads.ts'
import type { PieceFile } from '../../storage/piece-file.ts'
import { checkFreeSpace } from '../../storage/storage-refusal.ts'
import type { BufferPool } from '../swarm/buffer-pool.ts'
import { destinationExists, inspectDestination } from './destination.ts'
import type { OfferTable } from './offer-table.ts'
import { openOwnPartFile, removeOwnPartFile } from './own-part-file.ts'
import { PieceCheck } from './piece-check.ts'
import type { ShareRegistry } from './share-registry.ts'
import { insist, StoreRefused, storeRefusalOf } from './store-refused.ts'
import { WholeFileCheck } from './whole-file-check.ts'

export interface DownloadStoreNeeds {
  readonly library: Library
  readonly offers: OfferTable
  readonly shareRegistry: Pick<ShareRegistry, 'adopt'>
  readonly peers: { readonly buffers: BufferPool }
  readonly log: Logger
}

export class DownloadStore {
  readonly #needs: DownloadStoreNeeds
  readonly #spec: DownloadSpec
  readonly #send: (event: StoreEvent) => void
  readonly #pieceCheck: PieceCheck
  readonly #closing = new AbortController()
  /** Steps under way: the part file closes after the last. */
  readonly #steps = new Set<Promise<void>>()
  /** Both from the moment the part file is open. */
  #part: PieceFile | undefined
  #whole: WholeFileCheck | undefined
  #have: Bitfield
  #offer: Offer | undefined
  #isFinished = false
  #closed: Promise<void> | undefined

  constructor(needs: DownloadStoreNeeds, spec: DownloadSpec, send: (event: StoreEvent) => void) {
    const { library, peers } = needs
    this.#needs = needs
    this.#spec = spec
    this.#send = send
    this.#pieceCheck = new PieceCheck({ id: spec.id, manifest: spec.manifest, library, buffers: peers.buffers })
    this.#have = createBitfield(pieceCount(spec.manifest))
  }

  start(): void {
    this.#run(() => this.#prepare())
  }

  handle(command: StoreCommand): void {
    if (this.#closed) return
    if (command.type === 'store.close') this.close(command.discard).then(() => this.#send({ type: 'store.closed' }))
    else this.#run(() => this.#stepOf(command))
  }

  /** Resolves once every step has ended and the part file is closed, or removed with `discard`. Never rejects. */
  close(discard: boolean): Promise<void> {
    this.#closed ??= this.#close(discard)
    return this.#closed
  }

  async #stepOf(command: Exclude<StoreCommand, { type: 'store.close' }>): Promise<void> {
    switch (command.type) {
      case 'piece.check':
        return this.#checkPiece(command)
      case 'piece.wasted':
        return this.#needs.library.recordWaste(this.#spec.id, command.bytes)
      case 'whole.check':
        return this.#checkWhole()
      case 'file.finish':
        return this.#finish()
    }
  }

  async #prepare(): Promise<void> {
    const { library } = this.#needs
    const { id, manifest, path, overwrite } = this.#spec
    const { signal } = this.#closing
    const found = await inspectDestination(path, manifest, signal)
    if (found.kind === 'same') {
      // After a kill half-way through the renaming both names lead to it; removing one changes the fingerprint.
      if (await removeOwnPartFile(this.#record())) return this.#prepare()
      library.saveVerified(id, fullBitfield(pieceCount(manifest)))
      this.#adopt(found.fingerprint)
      return this.#tell({ type: 'store.there' })
    }
    if (found.kind === 'other' && !overwrite) throw new StoreRefused(destinationExists(path))
    if (found.kind === 'claimed') await unlink(path)
    const record = this.#record()
    if (record.verified.count > 0) {
      this.#have = await recheckPieces(record.part, manifest, record.verified, { signal })
      library.saveVerified(id, this.#have)
    }
    const missingBytes = Math.max(0, manifest.size - this.#have.count * manifest.pieceLength)
    insist(await checkFreeSpace(dirname(record.part), missingBytes))
    this.#part = insist(await openOwnPartFile(library, record))
    this.#whole = new WholeFileCheck(record.part, manifest, signal)
    // An offer made now would never be taken back.
    if (signal.aborted) return
    if (this.#have.count > 0) this.#addOffer()
    this.#whole.advance(this.#have)
    this.#tell({ type: 'store.ready', have: this.#have })
  }

  async #checkPiece({ peer, via, piece, data }: Extract<StoreCommand, { type: 'piece.check' }>): Promise<void> {
    const { part, whole } = this.#opened()
    const result = insist(await this.#pieceCheck.take({ peer: parseDeviceKey(peer), via, piece, data }, part))
    if (!result.isRight) {
      this.#needs.log.warn({ download: this.#spec.id, peer, piece }, 'a peer sent a wrong piece and is dropped')
      return this.#tell({ type: 'piece.rejected', peer, piece })
    }
    this.#have.add(piece)
    if (this.#closing.signal.aborted) return
    whole.pieceAdded(this.#have)
    if (this.#offer) this.#needs.offers.announce(this.#offer, piece)
    else this.#addOffer()
    const { checkedInMs, writtenInMs } = result
    this.#tell({ type: 'piece.verified', peer, piece, checkedInMs, writtenInMs })
  }

  async #checkWhole(): Promise<void> {
    const { id, name, manifest } = this.#spec
    const { part, whole } = this.#opened()
    // Otherwise every piece would be found wrong and fetched again, into a file that has no name, for ever.
    if (!(await part.isInPlace()))
      throw new StoreRefused(
        refuse(
          'destination-unwritable',
          `${showable(part.path)} was removed during the download; put its folder back, then resume the download`,
        ),
      )
    if (await whole.isRight()) return this.#tell({ type: 'whole.right' })
    const right = await recheckPieces(part.path, manifest, this.#have, { signal: this.#closing.signal })
    const wrong = Array.from({ length: this.#have.length }, (_, piece) => piece).filter(
      piece => this.#have.has(piece) && !right.has(piece),
    )
    if (wrong.length === 0)
      throw new StoreRefused(
        refuse(
          'integrity',
          `every piece of ${showable(name)} matches its manifest, but the whole file does not: the manifest is wrong; ask the sharer to share the file again`,
        ),
      )
    this.#needs.library.saveVerified(id, right)
    for (const piece of wrong) this.#have.remove(piece)
    this.#tell({ type: 'whole.wrong', pieces: wrong })
  }

  async #finish(): Promise<void> {
    const { path, overwrite } = this.#spec
    this.#adopt(insist(await this.#opened().part.finish(path, { overwrite })))
    this.#tell({ type: 'file.finished' })
  }

  async #close(discard: boolean): Promise<void> {
    this.#closing.abort()
    if (this.#offer) this.#needs.offers.remove(this.#offer)
    await Promise.all([...this.#steps, this.#whole?.settled()])
    try {
      if (!discard || this.#isFinished) await this.#part?.close()
      else if (this.#part) await this.#part.discard()
      // An earlier run may have made one that this run did not get to open.
      else await removeOwnPartFile(this.#record())
    } catch (error) {
      this.#needs.log.warn({ download: this.#spec.id, err: error }, 'a part file could not be closed or removed')
    }
  }

  #adopt(fingerprint: Fingerprint): void {
    const { group, name, share, manifest, path } = this.#spec
    this.#needs.shareRegistry.adopt({ group, name, share, manifest, path, fingerprint })
    this.#isFinished = true
  }

  #addOffer(): void {
    const { share, group, manifest } = this.#spec
    const { part } = this.#opened()
    this.#offer = { share, group, manifest, have: this.#have, read: part.read }
    this.#needs.offers.add(this.#offer)
  }

  #opened(): { part: PieceFile; whole: WholeFileCheck } {
    if (!this.#part || !this.#whole) throw new Error('bug: a download without its part file')
    return { part: this.#part, whole: this.#whole }
  }

  #record(): DownloadRecord {
    const record = this.#needs.library.download(this.#spec.id)
    if (!record) throw new Error(`bug: download ${this.#spec.id} is not in the library`)
    return record
  }

  #run(step: () => Promise<void>): void {
    const running = step()
      .catch(error => this.#fail(error))
      .finally(() => this.#steps.delete(running))
    this.#steps.add(running)
  }

  #fail(error: unknown): void {
    if (this.#closing.signal.aborted) return
    if (!(error instanceof StoreRefused))
      this.#needs.log.error({ download: this.#spec.id, err: error }, 'a download failed')
    const { code, message } = storeRefusalOf(error, this.#spec.path)
    this.#tell({ type: 'store.failed', code, message })
  }

  /** Nothing after the run is ending, but for `store.closed`. */
  #tell(event: StoreEvent): void {
    if (!this.#closing.signal.aborted) this.#send(event)
  }
}

/** A `DownloadStore` as an actor. Stopping it closes the store and keeps the part file. */
export const createDownloadStore = (needs: DownloadStoreNeeds): CallbackActorLogic<StoreCommand, DownloadSpec> =>
  fromCallback<StoreCommand, DownloadSpec>(({ input: spec, sendBack, receive }) => {
    const store = new DownloadStore(needs, spec, sendBack)
    receive(command => store.handle(command))
    store.start()
    return () => {
      store.close(false)
    }
  })
