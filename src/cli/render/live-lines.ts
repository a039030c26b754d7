// A few lines that are redrawn in place on a terminal while something goes on, and text printed above them meanwhile.

import { createRequire } from 'node:module'
import type { SingleBar } from 'cli-progress'

const require = createRequire(import.meta.url)

export interface LiveLines {
  /** Replaces what is shown. */
  draw(lines: readonly string[]): void
  /** Prints a line for good, above. */
  above(line: string): void
  /** Takes the lines away; the cursor is where they began. */
  clear(): void
}

export function createLiveLines(stream: NodeJS.WritableStream): LiveLines {
  // Most commands draw nothing: it takes a tenth of what they need to begin.
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
