// How the demonstration shows two downloads: bars on a terminal, a line each tenth of the way elsewhere.

import { MultiBar, type SingleBar } from 'cli-progress'
import { formatRate } from '../src/domain/quantities.ts'

/** What the demonstration reads of `download --wait --json`. */
export interface DownloadProgress {
  readonly state: string
  readonly pieces: { readonly done: number; readonly total: number }
  readonly bytes: { readonly done: number }
  readonly bytesPerSecond: number
  readonly seconds: number
  readonly peers: readonly { user: string; device: string; pieces: number; bytes: number; via: string }[]
}

export interface ProgressDisplay {
  show(name: string, progress: DownloadProgress): void
  /** Prints a line above the bars. */
  log(text: string): void
  stop(): void
}

export const createProgressDisplay = (names: readonly string[]): ProgressDisplay =>
  process.stdout.isTTY ? createBars(names) : createTenths()

/** The rate now, or the average once the download is complete. */
const rateOf = ({ state, bytes, seconds, bytesPerSecond }: DownloadProgress) =>
  formatRate(state === 'completed' ? bytes.done / seconds : bytesPerSecond)

function sourcesOf({ peers }: DownloadProgress): string {
  const each = peers.map(({ user, pieces, via }) => `${user} ${pieces}${via === 'relay' ? ' (relay)' : ''}`)
  return each.length === 0 ? 'looking for peers' : `pieces from ${each.join(', ')}`
}

function createTenths(): ProgressDisplay {
  const tenths = new Map<string, number>()
  return {
    show(name, progress) {
      const tenth = Math.floor((10 * progress.pieces.done) / progress.pieces.total)
      if (tenth === tenths.get(name)) return
      tenths.set(name, tenth)
      const percent = String(tenth * 10).padStart(4)
      console.log(`  ${name.padEnd(6)}${percent}%  ${rateOf(progress)}  ${sourcesOf(progress)}`)
    },
    log: text => console.log(text),
    stop() {},
  }
}

function createBars(names: readonly string[]): ProgressDisplay {
  const bars = new MultiBar({
    format: '  {name} {bar} {percentage}%  {rate}  {from}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    barsize: 30,
    // The script handles Ctrl-C itself.
    gracefulExit: false,
  })
  const byName = new Map<string, SingleBar>(
    names.map(name => [name, bars.create(1, 0, { name: name.padEnd(6), rate: '', from: '' })]),
  )
  return {
    show(name, progress) {
      const bar = byName.get(name)
      bar?.setTotal(progress.pieces.total || 1)
      bar?.update(progress.pieces.done, { rate: rateOf(progress), from: sourcesOf(progress) })
    },
    log: text => bars.log(`${text}\n`),
    stop: () => bars.stop(),
  }
}
