// agent start, stop, status, run: this device's background client.

import { once } from 'node:events'
import { count, formatBytes, formatDuration } from '../../domain/quantities.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { AgentResult } from '../../wire/agent-api.ts'
import { isAgentRunning } from '../agent-running.ts'
import { askAgent, waitForAgent } from '../ask.ts'
import { command, value } from '../command.ts'
import type { Style } from '../render/style.ts'
import type { Result } from '../result.ts'
import { limitsInShort } from './limit.ts'

const listen = value(
  'host:port',
  'Where peers connect to this agent, from now on; port 0 takes any free one (default: a free port on every interface).',
)

/** Checked at the prompt: the agent could only report a mistake in its log. */
function parseListen(typed: string | undefined): Outcome<string | undefined> {
  if (typed === undefined) return done(undefined)
  const [, host, port] = /^(.+):(\d{1,5})$/.exec(typed) ?? []
  if (host !== undefined && Number(port) <= 65_535) return done(typed)
  return refuse('usage', `"${typed.slice(0, 80)}" is not HOST:PORT. Example: --listen 0.0.0.0:7000`)
}

/** Listens there for a moment: before anyone has logged in, the agent does not listen and could not report a taken port. */
async function checkFree(listen: string): Promise<Outcome<void>> {
  const { firstTakenPort } = await import('../../cluster/free-port.ts')
  const colon = listen.lastIndexOf(':')
  const host = listen.slice(0, colon).replace(/^\[(.*)\]$/, '$1')
  if ((await firstTakenPort(host, [Number(listen.slice(colon + 1))])) === undefined) return done(undefined)
  return refuse(
    'usage',
    `the agent cannot listen at ${listen}: another program does, or ${host} is not an address of this machine; choose another with --listen HOST:PORT`,
  )
}

const processes = () => import('../../actors/device/agent-process.ts')

const start = command({
  name: 'agent start',
  summary:
    "Start this device's agent in the background. Does nothing if it is running; to change where it listens, stop it first.",
  example: 'agent start --listen 0.0.0.0:7000',
  options: { listen },
  async run(context, input): Promise<Result<{ agent: 'running'; pid: number }>> {
    const listen = parseListen(input.listen)
    if (!listen.ok) return listen
    const { agentIsRunning, startAgent } = await processes()
    const at = listen.value ?? context.home.listen()
    if (at !== undefined && !agentIsRunning(context.home)) {
      const free = await checkFree(at)
      if (!free.ok) return free
    }
    const pid = await startAgent(context.home, { servers: context.servers, listen: listen.value })
    if (!pid.ok) return pid
    // The next command finds it ready. Without brokers or trackers the agent keeps trying by itself.
    if (context.home.session()) {
      const ready = await waitForAgent(context, { retry: false })
      if (!ready.ok) context.display.note(ready.message)
    }
    return done({ agent: 'running', pid: pid.value })
  },
  render: ({ pid }) => `The agent is running as process ${pid}.`,
})

const stop = command({
  name: 'agent stop',
  summary: "Stop this device's agent. Downloads and shares resume when it starts again.",
  example: 'agent stop',
  async run({ home }): Promise<Result<{ agent: 'stopped'; ran: boolean }>> {
    const { stopAgent } = await processes()
    return done({ agent: 'stopped', ran: await stopAgent(home) })
  },
  render: ({ ran }) => (ran ? 'The agent has stopped.' : 'No agent was running.'),
})

type Status = { agent: 'stopped' } | ({ agent: 'running' } & AgentResult<'status'>)

const status = command({
  name: 'agent status',
  summary: "Show whether this device's agent is running, and what it is doing.",
  example: 'agent status',
  async run(context): Promise<Result<Status>> {
    const answer = await askAgent(context, 'status', {})
    if (answer.ok) return done({ agent: 'running', ...answer.value })
    return (await isAgentRunning(context.home)) ? answer : done({ agent: 'stopped' })
  },
  render(status, style) {
    if (status.agent === 'stopped') return 'The agent is stopped. Start it: shoal agent start'
    const { user, device, pid, problem, state, uptimeSeconds, memoryBytes, troubles } = status
    const limits = limitsInShort(status.limits)
    const last = [
      ...(limits === undefined ? [] : [`  limited to ${limits}`]),
      `  up ${formatDuration(uptimeSeconds)}, ${formatBytes(memoryBytes)} of memory`,
      ...troubles.map(trouble => `  ${style('yellow', '!')} ${trouble}`),
    ]
    if (user === undefined)
      return [`The agent is running as process ${pid}. You are not logged in on this device.`, ...last].join('\n')
    return [
      `The agent of ${style('bold', user)} on device ${device} is running as process ${pid}.`,
      ...(problem === undefined ? [] : [`  ${style('red', 'not connected')}: ${problem}`]),
      ...(state === 'connecting' ? ['  connecting'] : []),
      ...transfers(status, style),
      ...last,
    ].join('\n')
  },
})

/** What it serves and fetches; nothing while it has no session. */
function transfers(
  { listen, listenFailure, peers, sharing, downloads }: AgentResult<'status'>,
  style: Style,
): readonly string[] {
  if (listenFailure === undefined && listen === 'nowhere') return []
  return [
    listenFailure === undefined
      ? `  listening at ${listen}, ${count(peers, 'peer')} connected`
      : `  ${style('red', 'serves no peer')}: ${listenFailure}`,
    `  sharing ${count(sharing, 'file')}, ${count(downloads, 'download')} in progress`,
  ]
}

const run = command({
  name: 'agent run',
  summary: "Run this device's agent in the foreground, logging to standard error, until interrupted.",
  example: 'agent run',
  ownsInterrupts: true,
  options: { listen },
  async run({ home, servers }, input): Promise<Result<undefined>> {
    const listen = parseListen(input.listen)
    if (!listen.ok) return listen
    const { runAgent } = await import('../../actors/agent/run-agent.ts')
    // Before the agent reports that it is running: that report may be answered with a signal at once.
    const signalled = Promise.race([once(process, 'SIGINT'), once(process, 'SIGTERM')])
    const agent = await runAgent({ home, servers, listen: listen.value })
    signalled.then(() => agent.stop())
    await agent.ended
    return done(undefined)
  },
  render: () => '',
})

export const agentCommands = [start, stop, status, run]
