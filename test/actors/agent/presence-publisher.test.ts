import test from 'ava'
import { presenceTunables } from '../../../config/client.ts'
import { publishLeaving, publishOnline } from '../../../src/actors/agent/presence-publisher.ts'
import { heartbeatSchema } from '../../../src/wire/heartbeat.ts'
import { presenceSubject } from '../../../src/wire/subjects.ts'

const alice = { user: 'alice', device: 'aaaaaaaaaaaa' }
const share = (n: number) => n.toString(16).padStart(32, '0')

function fakeConnection(state: { isClosed?: boolean; info?: object | undefined } = {}) {
  const published: [subject: string, heartbeat: unknown][] = []
  const { isClosed = false, info = { client_ip: '10.0.0.7' } } = state
  const connection = {
    info: 'info' in state ? state.info : info,
    isClosed: () => isClosed,
    publish: (subject: string, body: string) => published.push([subject, heartbeatSchema.parse(JSON.parse(body))]),
  }
  return { published, connection: connection as never }
}

test('An online device says where peers connect and what it is fetching, under the address that the broker sees.', t => {
  const { connection, published } = fakeConnection()
  publishOnline(connection, alice, { port: 7000, fetching: [share(1)] })
  publishLeaving(connection, alice)
  t.deepEqual(published, [
    [presenceSubject(alice, '10.0.0.7'), { state: 'online', port: 7000, fetching: [share(1)] }],
    [presenceSubject(alice, '10.0.0.7'), { state: 'leaving' }],
  ])
})

test('A heartbeat names no more shares than it has room for.', t => {
  const { connection, published } = fakeConnection()
  const fetching = Array.from({ length: presenceTunables.mostFetching + 1 }, (_, n) => share(n))
  publishOnline(connection, alice, { port: 7000, fetching })
  t.like(published[0]?.[1], { fetching: fetching.slice(0, -1) })
})

test('Nothing is published without a port, and nothing without a broker.', t => {
  const open = fakeConnection()
  publishOnline(open.connection, alice, { port: undefined, fetching: [] })
  t.deepEqual(open.published, [])
  for (const { connection, published } of [fakeConnection({ isClosed: true }), fakeConnection({ info: undefined })]) {
    publishOnline(connection, alice, { port: 7000, fetching: [] })
    publishLeaving(connection, alice)
    t.deepEqual(published, [])
  }
})
