// A command line from its words to its exit code, with all that it works with handed in.
// What a command does not need is not loaded: `shoal --help` reads no home, `shoal whoami` no NATS.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { commands } from './commands.ts'
import { interruptibly } from './interruption.ts'
import { type Globals, type Parsed, parse } from './parse.ts'
import type { ProcessIo } from './process-io.ts'
import { createDisplay, type Display } from './render/display.ts'
import { exitCodes, runCommand } from './run-command.ts'

/** Of an interrupted one something may still be under way. */
export async function runArguments(words: readonly string[], io: ProcessIo): Promise<number> {
  const { stdout, stderr } = io
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
      return runOrder(parsed, display, io)
    }
  }
}

async function runOrder(
  order: Parsed & { kind: 'command' },
  display: Display,
  { env, stdin, stderr }: ProcessIo,
): Promise<number> {
  const { openDevice } = await import('./open-device.ts')
  const opened = openDevice({ folder: homeFolder(order.globals, env), ...order.globals, env, stdin, stderr })
  if (!opened.ok) {
    display.failure(opened)
    return exitCodes.refused
  }
  const device = opened.value
  const run = (signal: AbortSignal) => runCommand(order, device, display, signal)
  const code = await (order.command.ownsInterrupts ? run(new AbortController().signal) : interruptibly(run))
  if (code !== exitCodes.interrupted) await device.disconnect()
  return code
}

function homeFolder({ home }: Globals, env: NodeJS.ProcessEnv): string {
  return resolve(home ?? (env.SHOAL_HOME || join(homedir(), '.shoal')))
}
