// Runs the shell. A command that fails does not end it; downloads go on in the agent while the next command is typed. From
// a pipe it reads one command a line, shows neither prompt nor notifications, and succeeds if every command did.

import { join } from 'node:path'
import { type AgentClient, createAgentClient } from '../../actors/client/agent-client.ts'
import type { Home } from '../../actors/device/home.ts'
import { done } from '../../domain/refusal.ts'
import { askAgent } from '../ask.ts'
import type { Command } from '../command.ts'
import type { Context } from '../context.ts'
import { interruptibly } from '../interruption.ts'
import { misuse } from '../misuse.ts'
import { type Parsed, parse } from '../parse.ts'
import { createDisplay } from '../render/display.ts'
import { showable } from '../render/escape.ts'
import { styleFor } from '../render/style.ts'
import type { Result } from '../result.ts'
import { exitCodes, runCommand } from '../run-command.ts'
import { createCompletion } from './completion.ts'
import { openHistory } from './history.ts'
import { Notifications } from './notifications.ts'
import { createPipedPrompt, createTerminalPrompt, type Prompt } from './prompt.ts'
import { splitWords } from './split-words.ts'

const { stdin, stdout, stderr } = process

export async function runShell(context: Context, commands: readonly Command[]): Promise<Result<undefined>> {
  if (!stdin.isTTY || !stdout.isTTY) return runLines(context, commands, createPipedPrompt(stdin), () => {})

  const prompt = terminalPrompt(context, commands)
  const notifications = new Notifications(line => {
    const text = `${styleFor(stdout)('magenta', '*')} ${showable(line)}`
    if (!prompt.above(text)) context.display.note(line)
  })
  const agent = agentOfLogin(context.home)
  const keepUp = async () => {
    notifications.followAgent(agent())
    const connected = await context.connect()
    notifications.followTrackers(connected.ok ? connected.value : undefined)
  }
  stdout.write('Type help for the commands, exit to leave (the cluster goes on). Tab completes.\n')
  void keepUp()
  await runLines(
    { ...context, muteDownload: id => notifications.muteDownload(id) },
    commands,
    prompt,
    () => void keepUp(),
  )
  notifications.followTrackers(undefined)
  notifications.followAgent(undefined)
  return done(undefined)
}

/** This device's agent, as another client for each log-in; undefined while logged out. */
function agentOfLogin(home: Home): () => AgentClient | undefined {
  let known: { readonly credential: string; readonly agent: AgentClient } | undefined
  return () => {
    const credential = home.session()?.credential
    if (credential === undefined) return undefined
    if (known?.credential !== credential) known = { credential, agent: createAgentClient(home) }
    return known.agent
  }
}

/** Runs one command after the other, until the input ends or says exit. */
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
    const parsed = words.ok ? parse(words.value, commands) : misuse(words.message)
    if ((await runLine(context, parsed, words.ok && words.value.includes('--json'))) !== exitCodes.done) failed += 1
    afterEach()
  }
  if (failed === 0) return done(undefined)
  return { ok: false, code: 'commands-failed', message: `${failed === 1 ? '1 command' : `${failed} commands`} failed` }
}

async function runLine(context: Context, parsed: Parsed, wantsJson: boolean): Promise<number> {
  const json = context.display.json || wantsJson
  const display = json === context.display.json ? context.display : createDisplay({ out: stdout, err: stderr }, json)
  if (parsed.kind === 'text') {
    display.result({ [parsed.about]: parsed.text }, () => parsed.text)
    return exitCodes.done
  }
  if (parsed.kind === 'misuse') {
    display.failure(parsed)
    return exitCodes.usage
  }
  const { home, servers, passwordStdin } = parsed.globals
  if (home !== undefined || servers !== undefined || passwordStdin) {
    display.failure({
      code: 'usage',
      message: '--home, --servers and --password-stdin do not work inside the shell; leave it with exit first',
    })
    return exitCodes.usage
  }
  return interruptibly(signal => runCommand(parsed, { ...context, isShell: true }, display, signal))
}

function terminalPrompt(context: Context, commands: readonly Command[]): Prompt {
  return createTerminalPrompt({
    input: stdin,
    output: stdout,
    history: openHistory(join(context.home.folder, 'shell-history')),
    complete: createCompletion(commands, {
      async trackers() {
        const connected = await context.connect()
        return connected.ok ? connected.value.trackers : undefined
      },
      async downloads() {
        const listed = await askAgent(context, 'downloads', {})
        return listed.ok ? listed.value.map(({ id }) => id) : []
      },
    }),
    question() {
      const session = context.home.session()
      return `${styleFor(stdout)('bold', session ? `${session.user}@shoal` : 'shoal')}> `
    },
  })
}
