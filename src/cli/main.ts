// The process: arguments and environment in, an exit code out. Runs when it is imported, by bin/shoal.js.

import { runArguments } from './run-arguments.ts'
import { exitCodes } from './run-command.ts'

const { argv, env, stdin, stdout, stderr } = process

// The reader of our output may close the pipe early (`shoal downloads --watch | head -1`).
stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))

process.exitCode = await runArguments(argv.slice(2), { env, stdin, stdout, stderr })
// What an interrupted command was still waiting for does not hold the process.
if (process.exitCode === exitCodes.interrupted) process.exit()
