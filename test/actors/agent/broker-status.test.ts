import test from 'ava'
import { errors, type Status } from 'nats'
import { BrokerStatus } from '../../../src/actors/agent/broker-status.ts'

/** Follows the statuses that the test says. */
function followStatus(isRevoked: () => Promise<boolean> = async () => false) {
  const told: unknown[] = []
  const queue: Status[] = []
  let wake = () => {}
  const connection = {
    info: { connect_urls: ['n1:4222'] },
    async *status() {
      for (;;) {
        while (queue.length > 0) yield queue.shift()!
        await new Promise<void>(resolve => {
          wake = resolve
        })
      }
    },
  }
  const status = new BrokerStatus({
    connection: connection as never,
    isRevoked,
    onServers: servers => told.push(servers),
    onDisconnected: () => told.push('disconnected'),
    onReconnected: () => told.push('reconnected'),
    onRevoked: () => told.push('revoked'),
    onDenied: () => told.push('denied'),
  })
  status.follow()
  const say = async (...statuses: object[]) => {
    queue.push(...(statuses as Status[]))
    wake()
    await new Promise(setImmediate)
  }
  return { status, told, say, connection }
}
const disconnect = { type: 'disconnect' }
const refused = { type: 'error', error: new errors.AuthorizationError('void') }

test('The brokers of the cluster are reported at the start and whenever they change.', async t => {
  const { told, say, connection } = followStatus()
  t.deepEqual(told, [['n1:4222']])
  connection.info = { connect_urls: ['n1:4222', 'n2:4222'] }
  await say({ type: 'update' })
  t.deepEqual(told.slice(1), [['n1:4222', 'n2:4222']])
})

test('The status says when no broker can be reached, and when one can be reached again.', async t => {
  const { status, told, say } = followStatus()
  t.true(status.isConnected)
  await say(disconnect)
  t.false(status.isConnected)
  t.is(told.at(-1), 'disconnected')
  await say({ type: 'reconnect' })
  t.true(status.isConnected)
  t.true(told.includes('reconnected'))
})

test('A refusal to reconnect counts only when the login turns out to be void.', async t => {
  for (const [isVoid, expected] of [
    [async () => true, true],
    [async () => false, false],
    [async () => Promise.reject(new Error('no broker')), false],
  ] as const) {
    const { told, say } = followStatus(isVoid)
    await say(disconnect, refused)
    t.is(told.includes('revoked'), expected)
  }
})

test('One check of a void login runs at a time, and its result is ignored when the broker has let the device in meanwhile.', async t => {
  const checks: PromiseWithResolvers<boolean>[] = []
  const { told, say } = followStatus(() => {
    const check = Promise.withResolvers<boolean>()
    checks.push(check)
    return check.promise
  })
  await say(refused)
  t.is(checks.length, 0, 'connected, so it is not about this login')
  await say(disconnect, refused, refused)
  t.is(checks.length, 1)
  await say({ type: 'reconnect' })
  checks[0]?.resolve(true)
  await say(disconnect)
  t.false(told.includes('revoked'))
})

test('Being denied what a device may always hear is reported; being denied to publish is not.', async t => {
  const { told, say } = followStatus()
  const denied = (operation: 'publish' | 'subscription') => ({
    type: 'error',
    error: new errors.PermissionViolationError('denied', operation, 'shoal.notice.ann'),
  })
  await say(denied('publish'))
  t.false(told.includes('denied'))
  await say(denied('subscription'))
  t.true(told.includes('denied'))
})

test('Nothing is reported after the end.', async t => {
  const { status, told, say } = followStatus()
  status.end()
  await say({ type: 'reconnect' })
  t.deepEqual(told, [['n1:4222']])
})
