// Floods against a real broker and two trackers: each kind of message, sent as fast as the broker takes it. The flooder is cut
// off and kept out; everyone else works on meanwhile, and no tracker loses a connection.

import { randomBytes } from 'node:crypto'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { trustNobody } from '../../src/actors/client/broker-trust.ts'
import { isRevoked } from '../../src/actors/client/connect-session.ts'
import type { BrokerLogin } from '../../src/wire/broker-login.ts'
import {
  apiSubject,
  guestInboxPrefix,
  inboxPrefix,
  passwordVersionSubject,
  presenceSubject,
  relaySubject,
  signUpSubject,
  trackersStats,
  trackersStatus,
  watchSubject,
} from '../../src/wire/subjects.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { logIn, type Person, passwordOf, person, signUp } from '../helpers/person.ts'
import { connectRaw, hasManyAddresses, isLetIn } from '../helpers/raw-nats.ts'
import { watchTrackerConnections } from '../helpers/tracker-connection-ids.ts'
import { withShared } from '../helpers/with-shared.ts'

interface Shared {
  readonly cluster: TestCluster
  /** Shares a file, and is online from this device alone. */
  readonly mia: Person
  /** Of the trackers' connections, as brokers count them: it changes when one is cut off. */
  trackerConnections(): Promise<string[]>
  /** Whether each flooder got in again. A broker says so after 5 s, so the last test asks. */
  readonly letInAgain: Promise<boolean>[]
}

const heartbeat = JSON.stringify({ state: 'online', port: 4001, fetching: [] })
const large = 'x'.repeat(900_000)

const test = withShared(anyTest as TestFn<Shared>, async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 2 })
  const mia = await person(t as ExecutionContext, cluster.servers, 'mia')
  granted(await mia.trackers.ask('group.create', { group: 'reef' }))
  granted(await mia.trackers.ask('share.add', { group: 'reef', manifest: manifestOf('film', Buffer.from('film')) }))
  const beat = () => mia.connection.publish(presenceSubject(mia, '127.0.0.1'), heartbeat)
  beat()
  const beating = setInterval(beat, 1_000)
  t.teardown(() => clearInterval(beating))
  const trackerConnections = await watchTrackerConnections(t, cluster)
  return { cluster, mia, trackerConnections, letInAgain: [] }
})

const onLinux = hasManyAddresses ? test.serial : test.serial.skip

interface Flood {
  readonly login: BrokerLogin
  readonly from: string
  readonly subject: string
  readonly reply: string
  readonly body: string
}

/** Floods until the broker hangs up, while mia works; then knocks once more. */
async function survives(t: ExecutionContext<Shared>, floods: readonly Flood[]): Promise<void> {
  const { cluster, mia, trackerConnections, letInAgain } = t.context
  const server = cluster.servers[0]!
  const before = await trackerConnections()
  t.true(before.length > 10)
  // All are in before the first one floods.
  const connections = await Promise.all(
    floods.map(async ({ login, from, reply }) => {
      const connection = await connectRaw(server, from, login)
      if (connection === 'refused') throw new Error('the flooder is not let in at first')
      if (reply) await connection.subscribe(reply)
      return connection
    }),
  )
  let isFlooding = true
  const flooding = Promise.all(
    floods.map(async ({ subject, reply, body }, at) => {
      await connections[at]!.flood(subject, reply, body)
      connections[at]!.close()
    }),
  ).finally(() => {
    isFlooding = false
  })
  let rounds = 0
  do {
    rounds += 1
    const files = granted(await mia.trackers.ask('group.files', { group: 'reef' }))
    t.is(files.rows[0]?.online, 1, 'mia is online')
    granted(await mia.trackers.ask('group.create', { group: `reef-${randomBytes(6).toString('hex')}` }))
    // Each takes one of the 64 devices that a user may have.
    if (rounds <= 6) await logIn(cluster.servers, 'mia')
  } while (isFlooding)
  await flooding
  t.log(`${rounds} rounds of work meanwhile`)
  t.deepEqual(await trackerConnections(), before, 'no tracker was cut off')
  const [{ login, from }] = floods as [Flood]
  letInAgain.push(isLetIn(server, from, login))
}

const guest = (): BrokerLogin & { kind: 'guest' } => ({ kind: 'guest', nonce: randomBytes(16).toString('hex') })

onLinux(
  'Guests who flood with empty sign-ups are cut off; others work on, and guests from elsewhere get in.',
  async t => {
    const from = '127.0.6.1'
    const floods = Array.from({ length: 3 }, () => ({ login: guest(), from, subject: signUpSubject(from), body: '' }))
    await survives(
      t,
      floods.map(flood => ({ ...flood, reply: `${guestInboxPrefix(flood.login.nonce)}.x` })),
    )
    const answer = granted(await signUp(t.context.cluster.servers, 'newcomer'))
    t.true(answer.ok)
  },
)

const request = JSON.stringify({ id: '00000000-0000-4000-8000-000000000000', seen: 0, params: {} })

/** What a device may send to trackers: the subject, the reply's inbox or nothing, and the body. */
const ofDevice: Record<string, (by: Person) => [subject: string, hasReply: boolean, body: string]> = {
  'requests for the list of groups': by => [apiSubject(by, 'read', 'group.list'), true, request],
  'requests for stats': by => [trackersStats(by), true, ''],
  'requests for status without a reply': by => [trackersStatus(by), false, ''],
  'heartbeats of 0.9 MB': by => [presenceSubject(by, '127.0.0.1'), false, large],
  'changes of 0.9 MB': by => [apiSubject(by, 'write', 'group.create'), true, large],
  'announcements of watchers': by => [watchSubject(by), false, '{}'],
}

for (const [at, [what, messageOf]] of Object.entries(ofDevice).entries())
  onLinux(`A device that floods with ${what} is cut off, and others work on.`, async t => {
    const eve = await person(t, t.context.cluster.servers, `eve-${at}`)
    await eve.connection.close()
    const [subject, hasReply, body] = messageOf(eve)
    const flood: Flood = {
      login: { kind: 'device', ...eve },
      from: '127.0.0.1',
      subject,
      reply: hasReply ? `${inboxPrefix(eve.user)}.x` : '',
      body,
    }
    await survives(t, [flood, flood, flood])
  })

onLinux('A device that was cut off is not taken for logged out, and its user’s other devices get in.', async t => {
  const { servers } = t.context.cluster
  const zoe = await person(t, servers, 'zoe')
  await zoe.connection.close()
  const connection = await connectRaw(servers[0]!, '127.0.0.1', { kind: 'device', ...zoe })
  if (connection === 'refused') return t.fail('it is not let in at first')
  await connection.flood(presenceSubject(zoe, '127.0.0.1'), '', large)
  t.false(await isRevoked(servers, { ...zoe }, trustNobody))
  await t.notThrowsAsync(logIn(servers, 'zoe'))
})

onLinux(
  'A password’s connection that floods is cut off where it is, and its owner gets in from elsewhere.',
  async t => {
    const { cluster } = t.context
    await signUp(cluster.servers, 'ned')
    const login: BrokerLogin = { kind: 'password', user: 'ned', password: passwordOf('ned') }
    const from = '127.0.6.2'
    await survives(t, [
      { login, from, subject: passwordVersionSubject('ned', from), reply: `${inboxPrefix('ned')}.x`, body: '' },
    ])
    t.true(await isLetIn(cluster.servers[0]!, '127.0.0.1', login))
  },
)

onLinux('A device that floods another with relayed bytes nobody takes is cut off, and others work on.', async t => {
  const { servers } = t.context.cluster
  const pat = await person(t, servers, 'pat')
  await pat.connection.close()
  const subject = relaySubject(t.context.mia, pat, '0'.repeat(32))
  const flood: Flood = { login: { ...pat, kind: 'relay' }, from: '127.0.0.1', subject, reply: '', body: large }
  await survives(t, [flood, flood, flood])
})

onLinux('Those who were cut off are kept out.', async t => {
  const { letInAgain } = t.context
  t.is(letInAgain.length, 3 + Object.keys(ofDevice).length)
  t.false((await Promise.all(letInAgain)).includes(true))
})
