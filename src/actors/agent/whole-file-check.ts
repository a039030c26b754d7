// Whether a part file is the manifest's file as a whole. It is hashed from the disk as it fills from its beginning, so
// that little is left to do at the end; when that hash does not match, all of it is read again.

import { hashingTunables } from '../../../config/storage.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import type { Manifest } from '../../domain/manifest.ts'
import { type FollowedFile, followFile, verifyFile } from '../../storage/hashing.ts'
import { expectJob } from '../../storage/hashing-threads.ts'

interface Settings {
  readonly followFromBytes: number
  readonly expectedAtPieces: number
}

export class WholeFileCheck {
  readonly #path: string
  readonly #manifest: Manifest
  readonly #signal: AbortSignal
  readonly #settings: Settings
  /** Verified pieces in a row, from the first on. */
  #leading = 0
  #followed: FollowedFile | undefined

  /** Aborting `signal` ends it early; `settled` resolves once no thread reads the file any more. */
  constructor(path: string, manifest: Manifest, signal: AbortSignal, settings: Settings = hashingTunables) {
    this.#path = path
    this.#manifest = manifest
    this.#signal = signal
    this.#settings = settings
  }

  /** Hashes as much as is there, from the beginning on without a gap. */
  advance(have: Bitfield): void {
    const { size, pieceLength } = this.#manifest
    while (this.#leading < have.length && have.has(this.#leading)) this.#leading += 1
    const bytes = Math.min(size, this.#leading * pieceLength)
    if (bytes >= this.#settings.followFromBytes) this.#followed ??= followFile(this.#path, this.#manifest, this.#signal)
    this.#followed?.grewTo(bytes)
  }

  /** After each verified piece: as above, and near the end it has threads ready for the check. */
  pieceAdded(have: Bitfield): void {
    this.advance(have)
    if (!this.#followed && have.length - have.count <= this.#settings.expectedAtPieces) expectJob()
  }

  /** Once every piece is there. Afterwards it starts anew: after false, pieces are fetched again. */
  async isRight(): Promise<boolean> {
    const ahead = this.#followed
    const isRight =
      (await ahead?.isRight) || (await verifyFile(this.#path, this.#manifest, { signal: this.#signal })).ok
    this.#followed = undefined
    this.#leading = 0
    return isRight
  }

  async settled(): Promise<void> {
    await this.#followed?.isRight
  }
}
