// What a person is told when a first connection fails, by what failed.

import test, { type ExecutionContext } from 'ava'
import { trustNobody } from '../../src/actors/client/broker-trust.ts'
import { connectAs } from '../../src/cli/connect-as.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { done, refuse } from '../../src/domain/refusal.ts'
import { type BrokerMood, scriptedBroker } from '../helpers/scripted-broker.ts'

const advice = { noBroker: 'check the network', noTracker: 'tell the operator' }
const wrong = refuse('bad-credentials', 'wrong password')
const login = { kind: 'password', user: 'alice', password: 'right or wrong' } as const

/** Longer than this process may stand still, so that a broker here is heard in time. */
const deadlineMs = 6_000
const connecting = (servers: readonly string[]) =>
  connectAs(login, { servers, trust: async () => done(trustNobody), advice }, wrong, deadlineMs)
const toOneThatIs = async (t: ExecutionContext, mood: BrokerMood) => {
  const { server } = await scriptedBroker(t, mood)
  return { server, answer: await connecting([server]) }
}

test('No broker that answers: they are named, with advice for that.', async t => {
  const frozen = await toOneThatIs(t, 'frozen')
  const absent = `127.0.0.1:${await freePort()}`
  for (const { server, answer } of [frozen, { server: absent, answer: await connecting([absent]) }])
    t.deepEqual(answer, refuse('unreachable', `no broker answers at ${server}; check the network`))
})

test('Brokers that answer, and no tracker: that is said, with advice for that.', async t => {
  const { server, answer } = await toOneThatIs(t, 'untended')
  t.deepEqual(answer, refuse('unreachable', `the brokers at ${server} answer, but no tracker does; tell the operator`))
})

test('A refused login is told in the words of the command.', async t => {
  t.is((await toOneThatIs(t, 'refusing')).answer, wrong)
})

test('Brokers that this device does not trust: what to do about trust, not about the network.', async t => {
  const answer = await connecting(['tls://127.0.0.1:1'])
  t.true(!answer.ok && answer.code === 'untrusted' && /shoal trust FINGERPRINT/.test(answer.message))
})
