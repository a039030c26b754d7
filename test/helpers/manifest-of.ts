// The manifest of bytes in memory, worked out by the plainest means: what the product's hashing is held against.

import { hash } from 'node:crypto'
import { type Manifest, pieceLengthFor } from '../../src/domain/manifest.ts'

export function manifestOf(name: string, data: Buffer, pieceLength = pieceLengthFor(data.length)): Manifest {
  const pieces: Buffer[] = []
  for (let start = 0; start < data.length; start += pieceLength)
    pieces.push(hash('sha1', data.subarray(start, start + pieceLength), 'buffer'))
  return {
    name,
    size: data.length,
    sha1: hash('sha1', data),
    sha256: hash('sha256', data),
    pieceLength,
    pieces: Buffer.concat(pieces).toString('base64'),
  }
}
