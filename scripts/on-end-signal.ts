// Ctrl-C, SIGTERM and a closed terminal, for a script that has something to stop before it ends.

import { constants } from 'node:os'

const signals = ['SIGINT', 'SIGTERM', 'SIGHUP'] as const

/** Calls `end` once, with the exit code that a shell reports for the signal; later signals wait for it too. */
export function onEndSignal(end: (code: number) => void): void {
  let isEnding = false
  for (const signal of signals)
    process.on(signal, () => {
      if (isEnding) return
      isEnding = true
      end(128 + constants.signals[signal])
    })
}
