// What a disk that fails for a moment does to a command line that goes on, as the shell does.

import test from 'ava'
import type { NatsConnection } from 'nats'
import { type Home, HomeFailed } from '../../src/actors/device/home.ts'
import { DeviceConnector } from '../../src/cli/device-connection.ts'
import { rememberServers } from '../../src/cli/servers.ts'
import { refuse } from '../../src/domain/refusal.ts'

const full = new HomeFailed('servers.json cannot be written: its disk is full; make room, then try again')

test('A connection that a failing disk prevented is made at the next call, and prevents no end.', async t => {
  const session = { user: 'alice', device: 'aaaaaaaaaaaa', credential: 'a credential' }
  const untrusted = refuse('untrusted', 'another cluster answers there')
  let isDiskFull = true
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const trust = async () => {
    asked.resolve()
    await answered.promise
    if (isDiskFull) throw full
    return untrusted
  }
  const brokers = { servers: [], trust, advice: { noBroker: '', noTracker: '' } }
  const connector = new DeviceConnector(
    { session: () => session, owedLogouts: () => [] as never[] } as unknown as Home,
    brokers,
  )
  const connecting = connector.connect()
  await asked.promise
  const closing = connector.disconnect()
  answered.resolve()
  await t.throwsAsync(connecting, { is: full })
  await t.notThrowsAsync(closing)
  await t.throwsAsync(connector.connect(), { is: full })
  isDiskFull = false
  t.deepEqual(await connector.connect(), untrusted)
})

test('Brokers that a full disk has no room for are not remembered, and no command fails for that.', t => {
  const home = {
    servers: () => [] as readonly string[],
    saveServers() {
      throw full
    },
  } as unknown as Home
  t.notThrows(() => rememberServers(home, ['127.0.0.1:4222'], { info: undefined } as unknown as NatsConnection))
})
