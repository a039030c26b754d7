// The process: arguments and environment in, an exit code out. Runs when it is imported, by bin/shoal.js.
// What a command does not need is not loaded: `shoal --help` reads no home, `shoal whoami` no NATS.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { commands } from './commands.ts'
import { interruptibly } from './interruption.ts'
import { type Globals, type Parsed, parse } from './parse.ts'
import { createDisplay, type Display } from './render/display.ts'
import { exitCodes, runCommand } from './run-command.ts'

const words = process.argv.slice(2)
const { env, stdin, stdout, stderr } = process

// Whoever reads our output may have seen enough (`shoal downloads --watch | head -1`).
stdout.on('error', error => process.exit((error as NodeJS.ErrnoException).code === 'EPIPE' ? 0 : 1))

const parsed = parse(words, commands)
switch (parsed.kind) {
  case 'text':
    stdout.write(`${parsed.text}\n`)
    break
  case 'misuse':
    createDisplay({ out: stdout, err: stderr }, words.includes('--json')).failure(parsed)
    process.exitCode = exitCodes.usage
    break
  case 'command':
    process.exitCode = await runOnce(parsed, createDisplay({ out: stdout, err: stderr }, parsed.globals.json === true))
}

async function runOnce(order: Parsed & { kind: 'command' }, display: Display): Promise<number> {
  const { openWorkplace } = await import('./workplace.ts')
  const opened = openWorkplace({ folder: homeFolder(order.globals), ...order.globals, env, stdin, stderr })
  if (!opened.ok) {
    display.failure(opened)
    return exitCodes.refused
  }
  const workplace = opened.value
  const run = (signal: AbortSignal) => runCommand(order, workplace, display, signal)
  const code = await (order.command.ownsInterrupts ? run(new AbortController().signal) : interruptibly(run))
  // What an interrupted command was still waiting for does not hold the process.
  if (code === exitCodes.interrupted) process.exit(code)
  await workplace.disconnect()
  return code
}

function homeFolder({ home }: Globals): string {
  return resolve(home ?? (env.SHOAL_HOME || join(homedir(), '.shoal')))
}
