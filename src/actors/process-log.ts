// Where a process of ours writes down what happens: lines of JSON on standard error, which is a file as a rule. A disk
// that is full loses lines and nothing else: no process ends because it cannot say something.

import pino, { type Logger } from 'pino'
import { processes } from '../../config/tunables.ts'

export function createProcessLog(name?: string): Logger {
  const destination = pino.destination({ dest: 2, maxLength: processes.maxUnwrittenLogBytes })
  destination.on('error', () => {})
  return pino(name === undefined ? {} : { name }, destination)
}
