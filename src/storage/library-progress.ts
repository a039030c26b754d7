// How far each download is: verified pieces, bytes fetched, and which peer delivered them. Written with every piece, so
// it never touches the manifest.

import type { Bitfield } from '../domain/bitfield.ts'
import type { DeviceRef } from '../domain/device-ref.ts'
import type { Delivery } from '../wire/agent-api.ts'
import type { LibraryConnection } from './library-connection.ts'

export interface LibraryProgress {
  /**
   * A verified piece that is on the disk, the peer that delivered it, and its bytes. A piece that was recorded before
   * only adds to the bytes fetched. Throws a RangeError when there is no such download or piece.
   */
  recordPiece(id: number, piece: number, peer: DeviceRef, via: Delivery['via'], bytes: number): void
  /** Bytes fetched in vain. */
  recordWaste(id: number, bytes: number): void
  /** Replaces what was verified before: the result of checking the part file again. */
  saveVerified(id: number, verified: Bitfield): void
}

export function createLibraryProgress(connection: LibraryConnection): LibraryProgress {
  const select = connection.prepare('SELECT pieces, verified FROM progress WHERE download = ?')
  const setVerified = connection.prepare('UPDATE progress SET verified = ? WHERE download = ?')
  const addPiece = connection.prepare(
    'UPDATE progress SET verified = ?, fetched_bytes = fetched_bytes + ? WHERE download = ?',
  )
  const addFetched = connection.prepare('UPDATE progress SET fetched_bytes = fetched_bytes + ? WHERE download = ?')
  const addDelivery = connection.prepare(
    `INSERT INTO deliveries (download, user, device, via, pieces, bytes) VALUES (?, ?, ?, ?, 1, ?)
     ON CONFLICT DO UPDATE SET pieces = pieces + 1, bytes = bytes + excluded.bytes`,
  )

  return {
    recordPiece: connection.transaction(
      (id: number, piece: number, peer: DeviceRef, via: Delivery['via'], bytes: number) => {
        const { pieces, verified } = (select.get(id) ?? {}) as { pieces?: number | null; verified?: Buffer }
        if (!verified || piece < 0 || piece >= pieces!) throw new RangeError(`download ${id} has no piece ${piece}`)
        const bit = 0x80 >> (piece & 7)
        if (verified[piece >> 3]! & bit) {
          addFetched.run(bytes, id)
          return
        }
        verified[piece >> 3]! |= bit
        addPiece.run(verified, bytes, id)
        addDelivery.run(id, peer.user, peer.device, via, bytes)
      },
    ),
    recordWaste: connection.transaction((id: number, bytes: number) => {
      addFetched.run(bytes, id)
    }),
    saveVerified: connection.transaction((id: number, verified: Bitfield) => {
      setVerified.run(verified.toBytes(), id)
    }),
  }
}
