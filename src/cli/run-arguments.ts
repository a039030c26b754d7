// Runs a command line, given as words, and returns its exit code. Loads only what the command needs: `shoal --help` reads
// no home, `shoal whoami` no NATS.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { commands } from './commands.ts'
import { interruptibly } from './interruption.ts'
import { type Globals, type ParsedCommand, parse } from './parse.ts'
import type { ProcessIo } from './process-io.ts'
import { createDisplay, type Display } from './render/display.ts'
import { exitCodes, runCommand } from './run-command.ts'

/** After an interruption, part of the command may still be running. */
export async function runArguments(words: readonly string[], io: ProcessIo): Promise<number> {
  const { stdout, stderr } = io
  const display = (json: boolean) => createDisplay({ out: stdout, err: stderr }, json)
  const parsed = parse(words, commands)
  switch (parsed.kind) {
    case 'text':
      display(words.includes('--json')).result({ [parsed.about]: parsed.text }, () => parsed.text)
      return exitCodes.done
    case 'misuse':
      display(words.includes('--json')).failure(parsed)
      return exitCodes.usage
    case 'command':
      return runInvocation(parsed, display(parsed.globals.json === true), io)
  }
}

async function runInvocation(
  invocation: ParsedCommand,
  display: Display,
  { env, stdin, stderr }: ProcessIo,
): Promise<number> {
  const { openDevice } = await import('./open-device.ts')
  const opened = openDevice({ folder: homeFolder(invocation.globals, env), ...invocation.globals, env, stdin, stderr })
  if (!opened.ok) {
    display.failure(opened)
    return exitCodes.refused
  }
  const device = opened.value
  const run = (signal: AbortSignal) => runCommand(invocation, device, display, signal)
  const code = await (invocation.command.ownsInterrupts ? run(new AbortController().signal) : interruptibly(run))
  if (code !== exitCodes.interrupted) await device.disconnect()
  return code
}

function homeFolder({ home }: Globals, env: NodeJS.ProcessEnv): string {
  return resolve(home ?? (env.SHOAL_HOME || join(homedir(), '.shoal')))
}
