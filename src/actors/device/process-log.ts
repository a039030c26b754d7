// Where a process of ours writes down what happens: lines of JSON on standard error, which is a file as a rule. A disk
// that is full loses lines and nothing else: no process ends, or waits, because it cannot say something.

import { writeSync } from 'node:fs'
import pino, { type Logger } from 'pino'

const standardError = {
  write(line: string) {
    try {
      writeSync(2, line)
    } catch {
      // Nobody is left to be told.
    }
  },
}

export const createProcessLog = (name?: string): Logger => pino(name === undefined ? {} : { name }, standardError)
