// The log of our background processes: lines of JSON on standard error, usually a file. On a full disk lines are lost and
// nothing else: no process ends or waits because it cannot log.

import { writeSync } from 'node:fs'
import pino, { type Logger } from 'pino'

const standardError = {
  write(line: string) {
    try {
      writeSync(2, line)
    } catch {
      // There is nowhere left to report this.
    }
  },
}

export const createProcessLog = (name?: string): Logger => pino(name === undefined ? {} : { name }, standardError)
