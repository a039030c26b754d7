// Connections that flood, in a process of its own, of the lowest priority: elsewhere it would be another machine. Each
// publishes as fast as its broker takes it, and when it is cut off, tries to get in again until the time is up. Says that all
// are in, waits for a word, and reports at the end.

import { once } from 'node:events'
import { constants, setPriority } from 'node:os'
import { setTimeout as delay } from 'node:timers/promises'
import type { BrokerLogin } from '../../src/wire/broker-login.ts'
import { connectRaw, type RawNats } from '../../test/helpers/raw-nats.ts'

export interface FloodOrder {
  /** One connection each. */
  readonly servers: readonly string[]
  /** The address to connect from. */
  readonly from: string
  readonly login: BrokerLogin
  readonly subject: string
  /** Empty: no answer is asked for. Otherwise answers come, and are not read. */
  readonly reply: string
  /** Its text, or how many bytes it has. */
  readonly body: string | number
  readonly seconds: number
}
export interface FloodReport {
  /** How often connections were let in. */
  readonly letIn: number
  /** Messages that brokers took, or that were on the way to them when they hung up. */
  readonly sent: number
  /** When the last of the first connections was cut off; absent: not within the time. */
  readonly cutOffMs?: number
}

setPriority(constants.priority.PRIORITY_LOW)
const { servers, from, login, subject, reply, body: ordered, seconds } = JSON.parse(process.argv[2]!) as FloodOrder
const body = typeof ordered === 'number' ? 'x'.repeat(ordered) : ordered

const enter = async (server: string) => {
  const connection = await connectRaw(server, from, login).catch(() => 'refused' as const)
  if (connection !== 'refused' && reply) await connection.subscribe(reply)
  return connection
}
const first = await Promise.all(servers.map(enter))
if (first.includes('refused')) throw new Error('the flooder is not let in at first')
process.send!('ready')
await once(process, 'message')

const startedAt = performance.now()
let [letIn, sent] = [0, 0]
const cutOffAt: number[] = []
const report = (): FloodReport => ({
  letIn,
  sent,
  ...(cutOffAt.length < servers.length ? {} : { cutOffMs: Math.round(Math.max(...cutOffAt) - startedAt) }),
})
setTimeout(() => process.send!(report(), () => process.exit()), seconds * 1000)

const floodOver = async (connection: RawNats) => {
  letIn += 1
  await connection.flood(subject, reply, body, messages => {
    sent += messages
  })
  connection.close()
}
await Promise.all(
  servers.map(async (server, at) => {
    await floodOver(first[at] as RawNats)
    cutOffAt.push(performance.now())
    for (;;) {
      const again = await enter(server)
      if (again === 'refused') await delay(100)
      else await floodOver(again)
    }
  }),
)
