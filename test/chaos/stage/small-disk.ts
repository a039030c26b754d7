// A separate disk for one folder, small enough to fill and empty again: a tmpfs, which needs root.

import { execFileSync } from 'node:child_process'
import { closeSync, mkdirSync, openSync, rmSync, writeSync } from 'node:fs'
import { join } from 'node:path'

export interface SmallDisk {
  fill(): void
  empty(): void
  unmount(): void
}

export function mountSmallDisk(folder: string, mib: number): SmallDisk {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  execFileSync('mount', ['-t', 'tmpfs', '-o', `size=${mib}m,mode=700`, 'shoal-chaos', folder])
  const filler = join(folder, 'filler')
  return {
    fill() {
      const file = openSync(filler, 'a')
      try {
        for (let bytes = 2 ** 20; bytes >= 1; bytes = bytes > 1 ? bytes >> 4 || 1 : 0) {
          const chunk = Buffer.alloc(bytes)
          try {
            while (writeSync(file, chunk) > 0);
          } catch (error) {
            if ((error as NodeJS.ErrnoException).code !== 'ENOSPC') throw error
          }
        }
      } finally {
        closeSync(file)
      }
    },
    empty: () => rmSync(filler, { force: true }),
    // Lazily: a killed process may hold a file for another moment.
    unmount: () => execFileSync('umount', ['-l', folder]),
  }
}
