// The process: arguments and environment in, an exit code out. Runs when it is imported, by bin/shoal.js.

import { runArguments } from './run-arguments.ts'

const { argv, env, stdin, stdout, stderr } = process

// The reader of our output may close the pipe early (`shoal downloads --watch | head -1`).
stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))

process.exitCode = await runArguments(argv.slice(2), { env, stdin, stdout, stderr })
// What a command no longer waits for does not hold the process: after an interruption, or when one broker answered and
// another stands still. What it said is written first.
for (const stream of [stdout, stderr]) await new Promise(written => stream.write('', written))
process.exit()
