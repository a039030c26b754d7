// Manifests, each stored once however many shares and downloads refer to it. Its methods are parts of their
// transactions.

import type { Manifest } from '../domain/manifest.ts'
import type { LibraryConnection } from './library-connection.ts'

export class LibraryManifests {
  readonly #insert
  readonly #deleteUnused

  constructor(connection: LibraryConnection) {
    this.#insert = connection.prepare('INSERT OR IGNORE INTO manifests (share, manifest) VALUES (?, ?)')
    this.#deleteUnused = connection.prepare(
      `DELETE FROM manifests WHERE share = :share AND NOT EXISTS (SELECT 1 FROM shares WHERE share = :share)
       AND NOT EXISTS (SELECT 1 FROM downloads WHERE share = :share)`,
    )
  }

  save(share: string, manifest: Manifest): void {
    this.#insert.run(share, JSON.stringify(manifest))
  }

  /** After a share that referred to it was replaced or removed. */
  removeUnused(share: string): void {
    this.#deleteUnused.run({ share })
  }
}
