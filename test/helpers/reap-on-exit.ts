// For test processes that start others which outlive them: brokers, trackers, agents. A reaper beside this process ends
// those and removes their files, however this one ends.

import { spawn } from 'node:child_process'
import { mkdtempSync, realpathSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

const program = fileURLToPath(new URL('reaper.ts', import.meta.url))
let isWatched = false

/**
 * Call it before the first such process is started; again is harmless. From then on temporary files are in a folder of
 * this process's own, by which the reaper knows what was started from here: children inherit TMPDIR.
 */
export function reapOnExit(): void {
  if (isWatched) return
  isWatched = true
  const folder = mkdtempSync(join(realpathSync(tmpdir()), 'shoal-test-'))
  const reaper = spawn(process.execPath, [program, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  reaper.unref()
  // It ends with this process, which it must not keep alive.
  ;(reaper.stdin as Socket).unref()
  process.env.TMPDIR = folder
}
