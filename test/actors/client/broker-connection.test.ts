// First connections, to brokers that stand still, refuse, or let in; and what becomes of one whose broker stands still.

import test, { type ExecutionContext } from 'ava'
import {
  BrokerUnreachable,
  connectBroker,
  LoginRefused,
  openConnection,
  TrackersUnreachable,
} from '../../../src/actors/client/broker-connection.ts'
import { trustNobody } from '../../../src/actors/client/broker-trust.ts'
import { freePort } from '../../../src/cluster/free-port.ts'
import { type BrokerMood, type ScriptedBroker, scriptedBroker } from '../../helpers/scripted-broker.ts'
import { until } from '../../helpers/until.ts'

const login = { kind: 'password', user: 'alice', password: 'right or wrong' } as const
const inOrder = { isInOrder: true }
/** Longer than this process may stand still on a busy machine: a broker here answers in this process too. */
const patient = { name: 'test', timeout: 4_000, user: 'alice', pass: 'right or wrong' }
/** For brokers that never answer. */
const impatient = { ...patient, timeout: 300 }

const brokersThatAre = (t: ExecutionContext, ...moods: BrokerMood[]) =>
  Promise.all(moods.map(mood => scriptedBroker(t, mood)))
const serversOf = (brokers: readonly ScriptedBroker[]) => brokers.map(({ server }) => server)

/** Closed when the test ends. */
async function connected(t: ExecutionContext, ...how: Parameters<typeof openConnection>) {
  const connection = await openConnection(...how)
  t.teardown(() => connection.close())
  return connection
}

for (const mood of ['frozen', 'untended', 'refusing'] as const)
  test(`A broker that is ${mood} does not keep another one from letting us in.`, async t => {
    const brokers = await brokersThatAre(t, mood, 'welcoming')
    const connection = await connected(t, serversOf(brokers), trustNobody, patient, inOrder)
    t.is(connection.getServer(), brokers[1]!.server)
  })

test('A broker that was told of in a greeting is tried too.', async t => {
  const [first, second] = await brokersThatAre(t, 'refusing', 'welcoming')
  first!.others = [second!.server]
  const connection = await connected(t, [first!.server], trustNobody, patient)
  t.is(connection.getServer(), second!.server)
})

test('Brokers whose trackers do not answer are tried again until the deadline, and one may yet let us in.', async t => {
  const brokers = await brokersThatAre(t, 'untended', 'frozen')
  const connecting = connected(t, serversOf(brokers), trustNobody, patient, { withinMs: 60_000 })
  await until('the first one is tried again', () => brokers[0]!.dialled > 1)
  brokers[0]!.mood = 'welcoming'
  t.is((await connecting).getServer(), brokers[0]!.server)
})

test('At the deadline it is said whether no broker answered, or no tracker.', async t => {
  const frozen = await brokersThatAre(t, 'frozen', 'frozen')
  const failure = await t.throwsAsync(openConnection(serversOf(frozen), trustNobody, impatient, { withinMs: 700 }))
  t.true(failure instanceof BrokerUnreachable && !(failure instanceof TrackersUnreachable))
  for (const { server } of frozen) t.true(failure!.message.includes(server))
  const untended = await brokersThatAre(t, 'untended', 'frozen')
  // The deadline is before the end of the attempt: its greeting tells.
  const settings = { withinMs: 3_000, ...inOrder }
  await t.throwsAsync(openConnection(serversOf(untended), trustNobody, patient, settings), {
    instanceOf: TrackersUnreachable,
  })
})

test('Where nothing listens, the attempt ends at once, whatever the deadline.', async t => {
  const servers = [`127.0.0.1:${await freePort()}`, `127.0.0.1:${await freePort()}`]
  await t.throwsAsync(connectBroker(servers, login, 'test', trustNobody, { withinMs: 600_000 }), {
    instanceOf: BrokerUnreachable,
  })
})

test('Two refusals are final, although a third broker stands still; so is the refusal of the only one.', async t => {
  const refused = { instanceOf: LoginRefused }
  const settings = { withinMs: 600_000, ...inOrder }
  const brokers = await brokersThatAre(t, 'frozen', 'refusing', 'refusing')
  await t.throwsAsync(connectBroker(serversOf(brokers), login, 'test', trustNobody, settings), refused)
  const [only] = await brokersThatAre(t, 'refusing')
  await t.throwsAsync(connectBroker([only!.server], login, 'test', trustNobody, settings), refused)
})

test('An attempt that a silent broker let end keeps no socket.', async t => {
  const [frozen, untended] = await brokersThatAre(t, 'frozen', 'untended')
  await t.throwsAsync(openConnection(serversOf([frozen!, untended!]), trustNobody, impatient))
  t.is(frozen!.dialled, 1)
  t.is(untended!.dialled, 1)
  await until('both sockets are closed', () => frozen!.open === 0 && untended!.open === 0)
})

test('A connection leaves a broker that stands still for another one, and not for the same.', async t => {
  const brokers = await brokersThatAre(t, 'welcoming', 'frozen', 'welcoming')
  // Longer than this process may stand still: the new broker, which answers in this process too, must not be left as well.
  const silence = { lookEveryMs: 500, looks: 4 }
  const connection = await connected(t, serversOf(brokers), trustNobody, patient, { silence, ...inOrder })
  t.is(connection.getServer(), brokers[0]!.server)
  brokers[0]!.mood = 'frozen'
  await until('another broker is found', () => connection.getServer() === brokers[2]!.server && brokers[2]!.open > 0)
  t.is(brokers[0]!.dialled, 1)
})
