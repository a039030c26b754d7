// The agent as a process, without a log-in, so that it needs no brokers.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import { createAgentClient } from '../../../src/actors/client/agent-client.ts'
import { agentIsRunning, startAgent, stopAgent } from '../../../src/actors/device/agent-process.ts'
import { type Home, openHome } from '../../../src/actors/device/home.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const servers = ['nats://127.0.0.1:1']

function homeOf(t: ExecutionContext): Home {
  const home = openHome(join(tempFolder(t), 'home'))
  t.teardown(() => stopAgent(home))
  return home
}

test('An agent starts once, is found, takes commands, and stops.', async t => {
  const home = homeOf(t)
  t.false(agentIsRunning(home))
  const first = await startAgent(home, { servers })
  if (!first.ok) return t.fail(first.message)
  t.true(agentIsRunning(home))
  t.deepEqual(await startAgent(home, { servers }), first)
  t.like(await createAgentClient(home).ask('status', {}), { ok: true, value: { pid: first.value } })
  t.true(await stopAgent(home))
  t.false(agentIsRunning(home))
  t.false(await stopAgent(home))
})

test('Two commands that start an agent at once end up with one agent.', async t => {
  const home = homeOf(t)
  const [one, other] = await Promise.all([startAgent(home, { servers }), startAgent(home, { servers })])
  t.true(one.ok && other.ok)
  t.deepEqual(one, other)
})

test('Neither a killed agent nor another program that now has its process id counts as a running agent.', async t => {
  const home = homeOf(t)
  const started = await startAgent(home, { servers })
  if (!started.ok) return t.fail(started.message)
  process.kill(started.value, 'SIGKILL')
  home.saveAgentPid(process.pid)
  // Its lock goes with its last thread, a moment after it is dead.
  while (agentIsRunning(home)) await delay(10)
  t.like(await createAgentClient(home).ask('status', {}), { ok: false, code: 'unreachable' })
  const again = await startAgent(home, { servers })
  if (!again.ok) return t.fail(again.message)
  t.is(home.agentPid(), again.value)
  // Past the socket that the first one left.
  t.like(await createAgentClient(home).ask('status', {}), { ok: true, value: { pid: again.value } })
})

test('An agent that is suspended is called frozen; once it goes on it answers, and it can be stopped at any time.', async t => {
  const home = homeOf(t)
  const started = await startAgent(home, { servers })
  if (!started.ok) return t.fail(started.message)
  const agent = createAgentClient(home)
  process.kill(started.value, 'SIGSTOP')
  const answer = await agent.ask('status', {})
  t.like(answer, { ok: false, code: 'unreachable' })
  t.regex(answer.ok ? '' : answer.message, new RegExp(`is frozen: .*kill -CONT ${started.value}`))
  t.true(agentIsRunning(home))
  process.kill(started.value, 'SIGCONT')
  t.like(await agent.ask('status', {}), { ok: true, value: { pid: started.value } })
  process.kill(started.value, 'SIGSTOP')
  t.true(await stopAgent(home))
  t.regex(readFileSync(home.agentLog, 'utf8'), /the agent runs.*the agent has stopped/s)
})

test('An agent that cannot start says why.', async t => {
  const home = homeOf(t)
  const answer = await startAgent(home, { servers, listen: 'nonsense' })
  t.like(answer, { ok: false, code: 'unreachable' })
  t.regex(answer.ok ? '' : answer.message, /nonsense/)
})
