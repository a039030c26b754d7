// A command line from its words to its exit code, with all that it works with handed in.
// What a command does not need is not loaded: `shoal --help` reads no home, `shoal whoami` no NATS.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { commands } from './commands.ts'
import { interruptibly } from './interruption.ts'
import { type Globals, type Parsed, parse } from './parse.ts'
import { createDisplay, type Display } from './render/display.ts'
import { exitCodes, runCommand } from './run-command.ts'

export interface Surroundings {
  readonly env: NodeJS.ProcessEnv
  readonly stdin: AsyncIterable<Buffer> & { readonly isTTY?: boolean }
  readonly stdout: NodeJS.WritableStream & { readonly isTTY?: boolean }
  readonly stderr: NodeJS.WritableStream & { readonly isTTY?: boolean }
}

/** Of an interrupted one something may still be under way. */
export async function runArguments(words: readonly string[], surroundings: Surroundings): Promise<number> {
  const { stdout, stderr } = surroundings
  const parsed = parse(words, commands)
  switch (parsed.kind) {
    case 'text':
      stdout.write(`${parsed.text}\n`)
      return exitCodes.done
    case 'misuse':
      createDisplay({ out: stdout, err: stderr }, words.includes('--json')).failure(parsed)
      return exitCodes.usage
    case 'command': {
      const display = createDisplay({ out: stdout, err: stderr }, parsed.globals.json === true)
      return runOrder(parsed, display, surroundings)
    }
  }
}

async function runOrder(
  order: Parsed & { kind: 'command' },
  display: Display,
  { env, stdin, stderr }: Surroundings,
): Promise<number> {
  const { openWorkplace } = await import('./workplace.ts')
  const opened = openWorkplace({ folder: homeFolder(order.globals, env), ...order.globals, env, stdin, stderr })
  if (!opened.ok) {
    display.failure(opened)
    return exitCodes.refused
  }
  const workplace = opened.value
  const run = (signal: AbortSignal) => runCommand(order, workplace, display, signal)
  const code = await (order.command.ownsInterrupts ? run(new AbortController().signal) : interruptibly(run))
  if (code !== exitCodes.interrupted) await workplace.disconnect()
  return code
}

function homeFolder({ home }: Globals, env: NodeJS.ProcessEnv): string {
  return resolve(home ?? (env.SHOAL_HOME || join(homedir(), '.shoal')))
}
