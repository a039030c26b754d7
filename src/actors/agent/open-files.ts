// The open files behind the shares: opened when a peer asks, and kept open for the next read. Only a few are open at a
// time, so thousands of shares need only a handful of descriptors. A file is never closed during a read.

import { uploadTunables } from '../../../config/swarm.ts'
import type { Fingerprint } from '../../storage/fingerprint.ts'
import { openSharedFile, type SharedFile } from '../../storage/shared-file.ts'

interface Entry {
  readonly opening: Promise<SharedFile>
  readers: number
}

export interface OpenFiles {
  /** Fills the buffers with bytes of the unaltered file, or throws what storage/shared-file.ts throws. */
  read(path: string, fingerprint: Fingerprint, offset: number, into: readonly Buffer[]): Promise<void>
  close(): Promise<void>
}

export function createOpenFiles(mostOpen: number = uploadTunables.maxOpenFiles): OpenFiles {
  /** In the order of their last use. */
  const entries = new Map<string, Entry>()

  const discard = async (key: string, entry: Entry) => {
    if (entries.get(key) === entry) entries.delete(key)
    await entry.opening.then(
      file => file.close(),
      () => {},
    )
  }
  const makeRoom = () => {
    for (const [key, entry] of entries) {
      if (entries.size <= mostOpen) return
      if (entry.readers === 0) discard(key, entry)
    }
  }

  return {
    async read(path, fingerprint, offset, into) {
      const key = JSON.stringify([path, fingerprint])
      const entry = entries.get(key) ?? { opening: openSharedFile(path, fingerprint), readers: 0 }
      entries.delete(key)
      entries.set(key, entry)
      entry.readers += 1
      try {
        await (await entry.opening).read(offset, into)
      } catch (error) {
        if (entries.get(key) === entry) entries.delete(key)
        throw error
      } finally {
        entry.readers -= 1
        if (entry.readers === 0 && !entries.has(key)) await discard(key, entry)
        makeRoom()
      }
    },
    async close() {
      await Promise.all([...entries].filter(([, entry]) => entry.readers === 0).map(each => discard(...each)))
      entries.clear()
    },
  }
}
