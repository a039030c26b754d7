// What a disk that fails for a moment does to a command line that goes on, as the shell does.

import test from 'ava'
import type { NatsConnection } from 'nats'
import { type Home, HomeFailed } from '../../src/actors/device/home.ts'
import { createLinkKeeper } from '../../src/cli/connections.ts'
import { rememberServers } from '../../src/cli/servers.ts'
import { refuse } from '../../src/domain/refusal.ts'

const full = new HomeFailed('servers.json cannot be written: its disk is full; make room, then try again')

test('A connection that a failing disk prevented is made at the next call, and prevents no end.', async t => {
  const session = { user: 'alice', device: 'aaaaaaaaaaaa', credential: 'a credential' }
  const untrusted = refuse('untrusted', 'somebody else answers there')
  let isDiskFull = true
  const [asked, answered] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
  const keeper = createLinkKeeper({ session: () => session } as Home, [], async () => {
    asked.resolve()
    await answered.promise
    if (isDiskFull) throw full
    return untrusted
  })
  const connecting = keeper.connect()
  await asked.promise
  const closing = keeper.disconnect()
  answered.resolve()
  await t.throwsAsync(connecting, { is: full })
  await t.notThrowsAsync(closing)
  await t.throwsAsync(keeper.connect(), { is: full })
  isDiskFull = false
  t.deepEqual(await keeper.connect(), untrusted)
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
