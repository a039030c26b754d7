// The shell at work. A command that fails does not end it; a download goes on in the agent while the next command is
// typed. From a pipe it reads one command a line, shows no prompt and no news, and succeeds if all of them did.

import { join } from 'node:path'
import { done } from '../../domain/refusal.ts'
import type { Command } from '../command.ts'
import type { Context } from '../context.ts'
import { interruptibly } from '../interruption.ts'
import { type Parsed, parse } from '../parse.ts'
import { createDisplay } from '../render/display.ts'
import { showable } from '../render/escape.ts'
import { styleFor } from '../render/style.ts'
import type { Result } from '../result.ts'
import { exitCodes, runCommand } from '../run-command.ts'
import { createCompletion } from './completion.ts'
import { openHistory } from './history.ts'
import { createNews } from './notifications.ts'
import { createPipedPrompt, createTerminalPrompt, type Prompt } from './prompt.ts'
import { splitWords } from './split-words.ts'

const { stdin, stdout, stderr } = process

export async function runShell(context: Context, commands: readonly Command[]): Promise<Result<undefined>> {
  if (!stdin.isTTY || !stdout.isTTY) return runLines(context, commands, createPipedPrompt(stdin), () => {})

  const prompt = terminalPrompt(context, commands)
  const news = createNews(line => {
    const text = `${styleFor(stdout)('magenta', '*')} ${showable(line)}`
    if (!prompt.above(text)) context.display.note(line)
  })
  const keepUp = async () => {
    const link = await context.connect()
    news.follow(link.ok ? link.value : undefined)
  }
  stdout.write('Type help for the commands, exit to leave. Tab completes.\n')
  void keepUp()
  await runLines({ ...context, muteDownload: news.leaveOut }, commands, prompt, () => void keepUp())
  news.follow(undefined)
  return done(undefined)
}

/** One command after the other, until the input ends or says so. */
async function runLines(
  context: Context,
  commands: readonly Command[],
  prompt: Prompt,
  afterEach: () => void,
): Promise<Result<undefined>> {
  let failed = 0
  for (;;) {
    const line = await prompt.next()
    if (line === undefined) break
    const words = splitWords(line)
    if (words.ok && words.value.length === 0) continue
    if (words.ok && ['exit', 'quit'].includes(words.value[0]!)) break
    const parsed: Parsed = words.ok
      ? parse(words.value, commands)
      : { kind: 'misuse', code: 'usage', message: words.message }
    const isHelp = words.ok && words.value.join() === 'help'
    if ((await runLine(context, parsed, isHelp)) !== exitCodes.done) failed += 1
    afterEach()
  }
  if (failed === 0) return done(undefined)
  return { ok: false, code: 'commands-failed', message: `${failed} of these commands did not succeed` }
}

async function runLine(context: Context, parsed: Parsed, isHelp: boolean): Promise<number> {
  const json = context.display.json || (parsed.kind === 'command' && parsed.globals.json === true)
  const display = json === context.display.json ? context.display : createDisplay({ out: stdout, err: stderr }, json)
  if (parsed.kind === 'text') {
    stdout.write(`${parsed.text}\n`)
    if (isHelp) stdout.write('\nexit, quit or Ctrl-D leaves this prompt; the cluster goes on.\n')
    return exitCodes.done
  }
  if (parsed.kind === 'misuse') {
    display.failure(parsed)
    return exitCodes.usage
  }
  const { home, servers, passwordStdin } = parsed.globals
  if (home !== undefined || servers !== undefined || passwordStdin) {
    display.failure({ code: 'usage', message: 'this cannot be said inside the shell; leave it with exit first' })
    return exitCodes.usage
  }
  return interruptibly(signal => runCommand(parsed, { ...context, isShell: true }, display, signal))
}

function terminalPrompt(context: Context, commands: readonly Command[]): Prompt {
  return createTerminalPrompt({
    input: stdin,
    output: stdout,
    history: openHistory(join(context.home.folder, 'shell-history')),
    complete: createCompletion(commands, async () => {
      const link = await context.connect()
      return link.ok ? link.value : undefined
    }),
    question() {
      const session = context.home.session()
      return `${styleFor(stdout)('bold', session ? `${session.user}@shoal` : 'shoal')}> `
    },
  })
}
