// Moves the clock of one process while it runs: libfaketime under the process reads the offset from a file. The monotonic
// clock stays as it is, as when a person or NTP sets a machine's time. The library comes from Debian, unpacked into the
// checkout's cache; without it no clock is moved.

import { spawnSync } from 'node:child_process'
import { existsSync, globSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'

const cache = join(import.meta.dirname, '../../../.cache')
const folder = join(cache, 'libfaketime')
const find = () =>
  globSync(['/usr/lib/*/faketime/libfaketimeMT.so.1', join(folder, 'usr/lib/*/faketime/libfaketimeMT.so.1')])[0]

/** The library's path; undefined without it. `mayFetch`: from the machine's own Debian mirror. */
export function faketimeLibrary(mayFetch: boolean): string | undefined {
  const known = find()
  if (known !== undefined || !mayFetch) return known
  const work = join(cache, `libfaketime.${process.pid}`)
  mkdirSync(work, { recursive: true })
  const run = (program: string, ...args: string[]) => spawnSync(program, args, { cwd: work }).status === 0
  try {
    if (run('apt-get', 'download', 'libfaketime')) {
      const [archive] = globSync('*.deb', { cwd: work })
      if (archive !== undefined && run('dpkg', '-x', archive, 'unpacked') && !existsSync(folder))
        renameSync(join(work, 'unpacked'), folder)
    }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
  return find()
}

export interface Clock {
  /** The environment of the process whose clock it is. */
  readonly env: NodeJS.ProcessEnv
  /** Within a second the process's clock is off by that much; 0 puts it right. */
  move(seconds: number): void
}

export function createClock(library: string, file: string): Clock {
  const move = (seconds: number) => {
    writeFileSync(`${file}.new`, `${seconds < 0 ? '' : '+'}${seconds}\n`)
    renameSync(`${file}.new`, file)
  }
  move(0)
  const env = {
    LD_PRELOAD: library,
    FAKETIME_TIMESTAMP_FILE: file,
    FAKETIME_DONT_FAKE_MONOTONIC: '1',
    FAKETIME_CACHE_DURATION: '1',
  }
  return { env, move }
}
