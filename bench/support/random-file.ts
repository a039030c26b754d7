// Files for benchmarks and demonstrations: random, so that nothing on the way can compress or share their blocks. Benchmarks
// get them in memory where there is such a folder, so that no disk is measured.

import { randomFillSync } from 'node:crypto'
import { closeSync, existsSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const chunkBytes = 2 ** 20

/** Removed when the process ends. */
export function workFolder(): string {
  const folder = mkdtempSync(join(existsSync('/dev/shm') ? '/dev/shm' : tmpdir(), 'shoal-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  return folder
}

export function writeRandomFile(path: string, size: number): void {
  const file = openSync(path, 'w')
  const chunk = Buffer.allocUnsafe(chunkBytes)
  for (let at = 0; at < size; at += chunkBytes)
    writeSync(file, randomFillSync(chunk), 0, Math.min(chunkBytes, size - at))
  closeSync(file)
}
