// Lines that are redrawn in place on a terminal while a command runs, with text printed above them.

import { createRequire } from 'node:module'
import type { SingleBar } from 'cli-progress'

const require = createRequire(import.meta.url)

export interface LiveLines {
  /** Replaces what is shown. */
  draw(lines: readonly string[]): void
  /** Prints a permanent line above them. */
  above(line: string): void
  /** Removes the lines, and leaves the cursor where they began. */
  clear(): void
}

export function createLiveLines(stream: NodeJS.WritableStream): LiveLines {
  // Loaded on demand: it takes a tenth of a command's start, and most commands draw nothing.
  const { MultiBar }: typeof import('cli-progress') = require('cli-progress')
  const area = new MultiBar({
    stream,
    format: (_options, _params, { line }) => line,
    clearOnComplete: true,
    hideCursor: true,
    gracefulExit: false,
    fps: 10,
  })
  const bars: SingleBar[] = []
  return {
    draw(lines) {
      for (const [index, line] of lines.entries()) {
        const bar = bars[index]
        if (bar) bar.update({ line })
        else bars.push(area.create(1, 0, { line }))
      }
      for (const bar of bars.splice(lines.length)) area.remove(bar)
    },
    above: line => area.log(`${line}\n`),
    clear() {
      if (bars.length > 0) area.update()
      area.stop()
    },
  }
}

/** `width` cells, `fraction` (0 to 1) of them full. */
export function bar(fraction: number, width = 24): string {
  const full = Math.round(Math.min(1, Math.max(0, fraction)) * width)
  return '█'.repeat(full) + '░'.repeat(width - full)
}
