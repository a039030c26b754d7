// A disk that fails on demand, for processes started with its environment: failing-disk.c, compiled here, sits between them
// and their C library. The seed and the number of the call decide what fails.

import { execFileSync } from 'node:child_process'
import { closeSync, openSync, readSync, writeFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

export const kinds = ['interrupted', 'short', 'broken', 'full', 'unlinkable'] as const
export type Kind = (typeof kinds)[number]
export const calls = ['read', 'write', 'sync', 'truncate', 'open', 'rename', 'link', 'unlink'] as const
export type Call = (typeof calls)[number]
export const places = ['library', 'home', 'downloads', 'own'] as const
export type Place = (typeof places)[number]

export interface Faults {
  readonly kinds: readonly Kind[]
  readonly calls: readonly Call[]
  readonly places: readonly Place[]
  /** Share of the eligible calls that fail: 0 to 1. */
  readonly odds: number
  readonly seed: number
}

export interface FailingDisk {
  /** The environment of a process whose file-system calls shall fail. */
  readonly env: Readonly<Record<string, string>>
  strike(faults: Faults): void
  /** Everything works again. */
  stop(): void
  /** Since `strike`: how often each call failed in each way, as `kind call`. */
  struck(): Map<string, number>
  /** Since `strike`: where in a part file a page was lost with an fsync that failed. */
  lost(): number[]
}

const word = 4
/** As `struct control` has them. */
const header = ['isOn', 'odds', 'kinds', 'places', 'calls', 'seed', 'number', 'fullLeft', 'lostCount', 'spare']
const struckAt = header.length * word
const lostAt = struckAt + kinds.length * calls.length * word
const mostLost = 64
const controlBytes = lostAt + 2 * word * mostLost

/** Undefined without a C compiler, and on anything but Linux. */
export function hasFailingDisk(): boolean {
  if (process.platform !== 'linux') return false
  try {
    execFileSync('cc', ['--version'], { stdio: 'ignore' })
    return true
  } catch {
    return false
  }
}

/** Keeps its parts in `folder`, which exists. `roots`: the folders of the home, the downloads and the shared files. */
export function makeFailingDisk(folder: string, roots: { home: string; downloads: string; own: string }): FailingDisk {
  const library = join(folder, 'failing-disk.so')
  const source = fileURLToPath(new URL('failing-disk.c', import.meta.url))
  execFileSync('cc', ['-shared', '-fPIC', '-O2', '-Wall', '-Werror', '-o', library, source, '-ldl'])
  const file = join(folder, 'failing-disk.control')
  writeFileSync(file, Buffer.alloc(controlBytes))

  const withFile = <T>(action: (fd: number) => T): T => {
    const fd = openSync(file, 'r+')
    try {
      return action(fd)
    } finally {
      closeSync(fd)
    }
  }
  const read = () =>
    withFile(fd => {
      const control = Buffer.alloc(controlBytes)
      readSync(fd, control, 0, controlBytes, 0)
      return control
    })
  const bits = <T>(all: readonly T[], wanted: readonly T[], first = 0) =>
    wanted.reduce((sum, each) => sum | (1 << (first + all.indexOf(each))), 0)

  return {
    env: {
      LD_PRELOAD: library,
      SHOAL_DISK_CONTROL: file,
      SHOAL_DISK_ROOTS: [roots.home, roots.downloads, roots.own].join(':'),
    },
    strike(faults) {
      const control = Buffer.alloc(controlBytes)
      const values = [
        Math.min(2 ** 32 - 1, Math.floor(faults.odds * 2 ** 32)),
        bits(kinds, faults.kinds),
        // The first place is outside, where nothing fails.
        bits(places, faults.places, 1),
        bits(calls, faults.calls),
        faults.seed >>> 0,
      ]
      for (const [index, value] of values.entries()) control.writeUInt32LE(value >>> 0, (1 + index) * word)
      withFile(fd => {
        writeSync(fd, control, 0, controlBytes, 0)
        writeSync(fd, Buffer.from([1, 0, 0, 0]), 0, word, 0)
      })
    },
    stop: () => withFile(fd => void writeSync(fd, Buffer.alloc(word), 0, word, 0)),
    struck() {
      const control = read()
      const found = new Map<string, number>()
      for (const [kind, kindName] of kinds.entries())
        for (const [call, callName] of calls.entries()) {
          const times = control.readUInt32LE(struckAt + (kind * calls.length + call) * word)
          if (times > 0) found.set(`${kindName} ${callName}`, times)
        }
      return found
    },
    lost() {
      const control = read()
      const count = Math.min(mostLost, control.readUInt32LE(header.indexOf('lostCount') * word))
      return Array.from({ length: count }, (_, index) => Number(control.readBigUInt64LE(lostAt + 2 * word * index)))
    },
  }
}
