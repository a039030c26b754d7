// How long an asker waits for an agent, in a time of the test's own.

import { mock } from 'node:test'
import test from 'ava'
import type { Msg } from 'nats'
import { agentApiTunables } from '../../../config/client.ts'
import { type AgentClient, createAgentClient } from '../../../src/actors/client/agent-client.ts'

const reply = (body: object) => ({ data: Buffer.from(JSON.stringify(body)) }) as unknown as Msg
const noResponders = { data: new Uint8Array(), headers: { code: 503 } } as unknown as Msg

test.serial(
  'A client waits for an agent that has not started yet for as long as it was told to, longer than for a silent one.',
  async t => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    t.teardown(() => mock.timers.reset())
    let isThere = false
    let hear: (message: Msg) => void = () => {}
    const transport = {
      subscribe(_: string, options: { callback: (error: null, message: Msg) => void }) {
        hear = message => options.callback(null, message)
        return { unsubscribe() {} }
      },
      publish: () => hear(isThere ? reply({ kind: 'end', ok: true, result: [] }) : noResponders),
    }
    const client: AgentClient = createAgentClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
    const patienceMs = 2 * agentApiTunables.silentAfterMs
    const patience = async () => patienceMs
    const asked = client.ask('downloads', {}, { patience })
    const steps = async (ms: number) => {
      for (let passed = 0; passed < ms; passed += agentApiTunables.noRespondersRetryMs) {
        // What an answer sets off comes first.
        await new Promise(setImmediate)
        mock.timers.tick(agentApiTunables.noRespondersRetryMs)
      }
    }
    await steps(1.5 * agentApiTunables.silentAfterMs)
    isThere = true
    await steps(agentApiTunables.noRespondersRetryMs)
    t.deepEqual(await asked, { ok: true, value: [] })

    isThere = false
    const inVain = client.ask('downloads', {}, { patience })
    await steps(patienceMs + agentApiTunables.noRespondersRetryMs)
    t.like(await inVain, { ok: false, code: 'unreachable' })

    const noneRuns = await client.ask('downloads', {})
    const message = 'no agent runs on this device; start it with shoal agent start'
    t.deepEqual(noneRuns, { ok: false, code: 'unreachable', message })
  },
)

test.serial(
  'When both copies of a request find no agent, they continue as one, and none is sent after the end.',
  async t => {
    mock.timers.enable({ apis: ['setTimeout', 'Date'] })
    t.teardown(() => mock.timers.reset())
    let hear: (message: Msg) => void = () => {}
    let sent = 0
    const transport = {
      subscribe(_: string, options: { callback: (error: null, message: Msg) => void }) {
        hear = message => options.callback(null, message)
        return { unsubscribe() {} }
      },
      publish() {
        sent += 1
      },
    }
    const client = createAgentClient(transport as never, { user: 'alice', device: 'aaaaaaaaaaaa' })
    let looks = 0
    const patience = async () => {
      looks += 1
      return agentApiTunables.silentAfterMs
    }
    const asked = client.ask('downloads', {}, { patience })
    mock.timers.tick(agentApiTunables.listeningEveryMs)
    t.is(sent, 2)
    hear(noResponders)
    hear(noResponders)
    await new Promise(setImmediate)
    mock.timers.tick(agentApiTunables.noRespondersRetryMs)
    t.deepEqual([sent, looks], [3, 1])
    hear(reply({ kind: 'end', ok: true, result: [] }))
    t.deepEqual(await asked, { ok: true, value: [] })
    mock.timers.tick(agentApiTunables.silentAfterMs)
    t.is(sent, 3)
  },
)
