// Reads into the caller's buffers, as many at once as the system takes.

import type { FileHandle } from 'node:fs/promises'
import { againLater } from './interruption.ts'

/** Fills `into`, one buffer after the other, from `position` on. Returns the bytes read: fewer only if the file ends first. */
export async function readFully(file: FileHandle, into: readonly Buffer[], position: number): Promise<number> {
  let left = into
  let filled = 0
  while (left.length > 0) {
    const { bytesRead } = await againLater(() => file.readv(left, position + filled))
    if (bytesRead === 0) break
    filled += bytesRead
    left = withoutFirst(left, bytesRead)
  }
  return filled
}

/** The buffers without their first `bytes`. */
function withoutFirst(buffers: readonly Buffer[], bytes: number): Buffer[] {
  const rest: Buffer[] = []
  let before = 0
  for (const buffer of buffers) {
    const from = Math.max(0, bytes - before)
    if (from < buffer.length) rest.push(buffer.subarray(from))
    before += buffer.length
  }
  return rest
}

export const totalBytes = (buffers: readonly Buffer[]): number => buffers.reduce((sum, { length }) => sum + length, 0)
