// Takes one download's arrived pieces to the disk: a piece is written and recorded only after its SHA-1 matched. Its
// buffer goes back to the pool in any case.

import type { DeviceRef } from '../../domain/device-ref.ts'
import { type Manifest, pieceHashes, sha1Bytes } from '../../domain/manifest.ts'
import { done, type Outcome } from '../../domain/refusal.ts'
import { verifyPiece } from '../../storage/hashing.ts'
import type { LibraryProgress } from '../../storage/library-progress.ts'
import type { PieceFile } from '../../storage/piece-file.ts'
import type { Delivery } from '../../wire/agent-api.ts'
import type { BufferPool } from '../swarm/buffer-pool.ts'

export interface ArrivedPiece {
  readonly peer: DeviceRef
  readonly via: Delivery['via']
  readonly piece: number
  readonly data: Buffer
}

export type PieceResult =
  | { readonly isRight: false }
  /** What each step took, waiting included. */
  | { readonly isRight: true; readonly checkedInMs: number; readonly writtenInMs: number }

export interface PieceCheckNeeds {
  readonly id: number
  readonly manifest: Manifest
  readonly library: Pick<LibraryProgress, 'recordPiece' | 'recordWaste'>
  readonly buffers: Pick<BufferPool, 'give'>
}

export class PieceCheck {
  readonly #needs: PieceCheckNeeds
  readonly #hashes: Buffer

  constructor(needs: PieceCheckNeeds) {
    this.#needs = needs
    this.#hashes = pieceHashes(needs.manifest)
  }

  /** Refuses when the piece is right and cannot be written. Throws LibraryFailed. */
  async take({ peer, via, piece, data }: ArrivedPiece, part: PieceFile): Promise<Outcome<PieceResult>> {
    const { id, library, buffers } = this.#needs
    const arrivedAt = performance.now()
    try {
      if (!(await verifyPiece(data, this.#hashes.subarray(piece * sha1Bytes, (piece + 1) * sha1Bytes)))) {
        library.recordWaste(id, data.length)
        return done({ isRight: false })
      }
      const checkedAt = performance.now()
      const written = await part.write(piece, 0, data)
      if (!written.ok) return written
      library.recordPiece(id, piece, peer, via, data.length)
      const writtenInMs = performance.now() - checkedAt
      return done({ isRight: true, checkedInMs: checkedAt - arrivedAt, writtenInMs })
    } finally {
      buffers.give(data)
    }
  }
}
