// Hostile clients that speak NATS themselves, against real brokers and trackers: what a user with an account, with only a
// password, or without any account may publish and hear. A row passes when a broker refuses it; with its permission
// granted the broker says nothing, and the row fails.

import { randomUUID } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { fromSeed } from '@nats-io/nkeys'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import type { NatsConnection } from 'nats'
import { createAgentClient } from '../../src/actors/client/agent-client.ts'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { openConnection } from '../../src/actors/client/broker-connection.ts'
import { trustNobody } from '../../src/actors/client/broker-trust.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { nkeyLogin } from '../../src/actors/device/nkey.ts'
import { connectOperator } from '../../src/cluster/operator.ts'
import { credentialHashOf } from '../../src/domain/account.ts'
import type { DeviceRef } from '../../src/domain/device-ref.ts'
import { attemptsSubject } from '../../src/wire/attempt-message.ts'
import type { BrokerLogin } from '../../src/wire/broker-login.ts'
import { cutOffSubject } from '../../src/wire/cut-off-message.ts'
import {
  accountSubject,
  anyAccountRequest,
  anyApi,
  anyOperator,
  anyPasswordVersion,
  apiSubject,
  groupEvents,
  guestInboxPrefix,
  inboxPrefix,
  inspectSubject,
  introductionSubject,
  noticeSubject,
  operatorAsking,
  operatorSubject,
  passwordVersionSubject,
  presenceSubject,
  relayedFrom,
  relayedTo,
  relaySubject,
  signUpSubject,
  trackerInspected,
  trackerQueue,
  trackersStats,
  trackersStatus,
  userEvents,
  watchAllSubject,
  watchersOf,
  watchSubject,
} from '../../src/wire/subjects.ts'
import { deviceTicketKey } from '../../src/wire/ticket.ts'
import { operatorLogin, watchLogin } from '../../src/wire/watch-login.ts'
import { agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { injectingBroker } from '../helpers/injecting-broker.ts'
import { admit, logIn, logOut, type Person, passwordOf, passwordVersionOf, person, signUp } from '../helpers/person.ts'
import { connectRaw, connectWith, type RawNats } from '../helpers/raw-nats.ts'
import { until } from '../helpers/until.ts'
import { withShared } from '../helpers/with-shared.ts'

/** Where agents took requests before they took them from their own device alone; now only trackers can say anything there. */
const formerAgentSubject = ({ user, device }: DeviceRef, method: string) => `shoal.agent.${user}.${device}.${method}`

interface Scene {
  readonly cluster: TestCluster
  /** Hostile. */
  readonly eve: Person
  readonly vic: Person
  /** Of eve's password, as the brokers hold her to it. */
  readonly version: string
}
const test = withShared(anyTest as TestFn<Scene>, async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 2 })
  const [eve, vic] = await Promise.all(['eve', 'vic'].map(user => person(t, cluster.servers, user)))
  return { cluster, eve: eve!, vic: vic!, version: await passwordVersionOf(cluster.servers, 'eve') }
})

const host = '127.0.0.1'
const nonce = '1'.repeat(32)
const another = 'z'.repeat(12)
const ticketKeyOf = ({ secrets }: TestCluster, eve: Omit<Person, 'connection' | 'trackers'>) => {
  const credentialHash = credentialHashOf(eve.credential)
  return deviceTicketKey(Buffer.from(secrets.ticketSecret, 'base64url'), eve, credentialHash)
}
const logins = {
  device: ({ eve }: Scene): BrokerLogin => ({ kind: 'device', ...eve }),
  password: (): BrokerLogin => ({ kind: 'password', user: 'eve', password: passwordOf('eve') }),
  relay: ({ eve }: Scene): BrokerLogin => ({ ...eve, kind: 'relay' }),
  guest: (): BrokerLogin => ({ kind: 'guest', nonce }),
  watch: ({ cluster, eve }: Scene): BrokerLogin => watchLogin(eve, ticketKeyOf(cluster, eve), Date.now() + 60_000),
}
type Who = keyof typeof logins

async function connectAs(who: Who, scene: Scene): Promise<RawNats> {
  const connection = await connectRaw(scene.cluster.servers[0]!, host, logins[who](scene))
  if (connection === 'refused') throw new Error(`a ${who} is not let in`)
  return connection
}

type Rows = Readonly<Record<string, string | ((people: { eve: DeviceRef; vic: DeviceRef; version: string }) => string)>>

const nobodyPublishes: Rows = {
  "a person's log": userEvents('vic'),
  "a group's log": groupEvents('eve'),
  'what asks for the stream': '$JS.API.STREAM.INFO.SHOAL',
  'what deletes the stream': '$JS.API.STREAM.DELETE.SHOAL',
  'what reads an entry': '$JS.API.STREAM.MSG.GET.SHOAL',
  'what reads an entry directly': '$JS.API.DIRECT.GET.SHOAL',
  'what makes a consumer': '$JS.API.CONSUMER.CREATE.SHOAL',
  'what empties the account': '$JS.API.ACCOUNT.PURGE.SHOAL',
  'an acknowledgement': '$JS.ACK.SHOAL.c.1.1.1.1.0',
  'a key of a bucket': '$KV.b.k',
  "a broker's question": '$SYS.REQ.USER.AUTH',
  'what asks who one is': '$SYS.REQ.USER.INFO',
  'what asks the brokers': '$SYS.REQ.SERVER.PING',
  'what cuts off a connection': '$SYS.REQ.SERVER.N.KICK',
  'what asks services': '$SRV.PING',
  'a request in the name of another': ({ vic }) => apiSubject(vic, 'write', 'group.create'),
  'a look-up in the name of another': ({ vic }) => apiSubject(vic, 'read', 'group.list'),
  'a request in the name of another device': ({ eve }) =>
    apiSubject({ ...eve, device: another }, 'write', 'group.create'),
  'a look at the trackers in the name of another': ({ vic }) => trackersStatus(vic),
  'a look at who is online in the name of another': ({ vic }) => trackersStats(vic),
  'a look at who is online as the operator': trackersStats(operatorAsking),
  "another's heartbeat": ({ vic }) => presenceSubject(vic, host),
  "another device's heartbeat": ({ eve }) => presenceSubject({ ...eve, device: another }, host),
  'a heartbeat from another address': ({ eve }) => presenceSubject(eve, '10.1.1.1'),
  'a notice to another': noticeSubject('vic'),
  'a notice to oneself': noticeSubject('eve'),
  "a request to another's agent": ({ vic }) => formerAgentSubject(vic, 'downloads'),
  'a request to the own agent': ({ eve }) => formerAgentSubject(eve, 'status'),
  'an introduction to another': ({ vic }) => introductionSubject(vic),
  'an introduction to oneself': ({ eve }) => introductionSubject(eve),
  'relayed bytes in the name of another': ({ eve, vic }) => relaySubject(eve, vic, 'c'),
  'relayed bytes in the name of another device': ({ eve, vic }) => relaySubject(vic, { ...eve, device: another }, 'c'),
  "another's machines": ({ vic }) => inspectSubject(vic, 'agent'),
  "a tracker's machines": inspectSubject(trackerInspected('t1'), 'tracker'),
  'that somebody watches another': ({ vic }) => watchSubject(vic),
  'that the operator watches': watchAllSubject,
  "another's inbox": `${inboxPrefix('vic')}.x`,
  // A thief's device could answer the owner's `shoal passwd` in the trackers' place.
  'the own inbox': `${inboxPrefix('eve')}.x`,
  'an inbox whose name begins like the own': `${inboxPrefix('eve2')}.x`,
  "a tracker's inbox": '_INBOX_.tracker.shoal.x',
  "a guest's inbox": `${guestInboxPrefix('2'.repeat(32))}.x`,
  'a log-in of another': ({ version }) => accountSubject('vic', version, 'log-in', host),
  'a new password of another': ({ version }) => accountSubject('vic', version, 'change-password', host),
  'the end of the own account, by an earlier password': accountSubject('eve', '0'.repeat(16), 'delete', host),
  "the version of another's password": passwordVersionSubject('vic', host),
  'a log-in from another address': ({ version }) => accountSubject('eve', version, 'log-in', '10.1.1.1'),
  'the version of the password from another address': passwordVersionSubject('eve', '10.1.1.1'),
  'a sign-up from another address': signUpSubject('10.1.1.1'),
  'a sign-up from nowhere': 'shoal.guest.signup',
  'attempts that trackers count': attemptsSubject,
  'whom trackers cut off': cutOffSubject,
  'what only the operator may ask': operatorSubject('user.disable'),
}

const nobodyHears: Rows = {
  everything: '>',
  'everything of one token': '*',
  'everything of Shoal': 'shoal.>',
  'every inbox': '_INBOX.>',
  "another's inbox": `${inboxPrefix('vic')}.>`,
  'an inbox whose name begins like the own': `${inboxPrefix('eve2')}.>`,
  "the trackers' inboxes": '_INBOX_.tracker.>',
  'the inboxes of all who have no name': '_INBOX_.>',
  'the inboxes of all guests': '_INBOX_.guest.>',
  "another guest's inbox": `${guestInboxPrefix('2'.repeat(32))}.>`,
  'the log': 'shoal.event.>',
  "another's notices": noticeSubject('vic'),
  "everybody's notices": 'shoal.notice.*',
  "devices' look-ups": anyApi('read'),
  "devices' changes": anyApi('write'),
  'the own requests to the trackers': ({ eve }) => apiSubject(eve, 'read', '>'),
  'looks at the trackers': 'shoal.trackers.>',
  'looks at who is online': 'shoal.look.>',
  'log-ins': anyAccountRequest,
  'the own log-ins': 'shoal.account.eve.>',
  'who gave a password': anyPasswordVersion,
  'sign-ups': 'shoal.guest.>',
  'heartbeats of everybody': 'shoal.presence.>',
  'heartbeats of another': ({ vic }) => `shoal.presence.vic.${vic.device}.>`,
  'relayed bytes of everybody': 'shoal.relay.>',
  'relayed bytes to another': ({ vic }) => relayedTo(vic),
  'relayed bytes to another device': ({ eve }) => relayedTo({ ...eve, device: another }),
  'the own relayed bytes to others': ({ eve }) => relayedFrom(eve),
  'introductions to another': ({ vic }) => introductionSubject(vic),
  'introductions to another device': ({ eve }) => introductionSubject({ ...eve, device: another }),
  "another's agent": ({ vic }) => formerAgentSubject(vic, '>'),
  'requests to the own agent': ({ eve }) => formerAgentSubject(eve, '>'),
  "another's machines": 'shoal.inspect.vic.>',
  'what asks JetStream': '$JS.>',
  'what the brokers say': '$SYS.>',
  "brokers' questions": '$SYS.REQ.USER.AUTH',
  'replies in transit': '_R_.>',
  'attempts that trackers count': attemptsSubject,
  'whom trackers cut off': cutOffSubject,
  'what the operator asks': anyOperator,
}

/** What a device may, and those who are less than one may not. */
const devicesPublish: Rows = {
  'a request': ({ eve }) => apiSubject(eve, 'read', 'group.list'),
  'a change': ({ eve }) => apiSubject(eve, 'write', 'group.create'),
  'a look at the trackers': ({ eve }) => trackersStatus(eve),
  'a look at who is online': ({ eve }) => trackersStats(eve),
  'a heartbeat': ({ eve }) => presenceSubject(eve, host),
  'steps of a machine': ({ eve }) => inspectSubject(eve, 'agent'),
  'that one watches': ({ eve }) => watchSubject(eve),
}
/** What the password decides, and a device or its thief does not. */
const passwordsPublish: Rows = {
  'the version of the password': passwordVersionSubject('eve', host),
  'a log-in': ({ version }) => accountSubject('eve', version, 'log-in', host),
  'a new password': ({ version }) => accountSubject('eve', version, 'change-password', host),
  'the log-out of another device': ({ version }) => accountSubject('eve', version, 'revoke-device', host),
  'the end of the account': ({ version }) => accountSubject('eve', version, 'delete', host),
}
const watchersHear: Rows = {
  'steps of the own machines': ({ eve }) => inspectSubject({ ...eve, device: '*' }, '>'),
  "the trackers' steps": inspectSubject(trackerInspected('*'), '>'),
}
const devicesHear: Rows = {
  'the own notices': noticeSubject('eve'),
  'the own introductions': ({ eve }) => introductionSubject(eve),
  'who watches': watchersOf('eve'),
  ...watchersHear,
}
const relaysPublish: Rows = { 'relayed bytes': ({ eve, vic }) => relaySubject(vic, eve, 'c') }
const relaysHear: Rows = {
  'the own relayed bytes': ({ eve }) => relayedTo(eve),
  'one channel': ({ eve, vic }) => relaySubject(eve, vic, 'c'),
}
const others: Record<Who, { readonly publishes: Rows; readonly hears: Rows }> = {
  device: {
    publishes: { ...passwordsPublish, ...relaysPublish, 'a sign-up': signUpSubject(host) },
    hears: { ...relaysHear, "a guest's inbox": `${guestInboxPrefix(nonce)}.>` },
  },
  relay: {
    publishes: { ...devicesPublish, ...passwordsPublish },
    hears: { ...devicesHear, 'the own inbox': `${inboxPrefix('eve')}.>` },
  },
  password: {
    publishes: { ...devicesPublish, ...relaysPublish, 'a sign-up': signUpSubject(host) },
    hears: { ...devicesHear, ...relaysHear, "a guest's inbox": `${guestInboxPrefix(nonce)}.>` },
  },
  guest: {
    publishes: {
      ...devicesPublish,
      ...passwordsPublish,
      ...relaysPublish,
      "a guest's own inbox": `${guestInboxPrefix(nonce)}.x`,
    },
    hears: { ...devicesHear, ...relaysHear, "somebody's inbox": `${inboxPrefix('eve')}.>` },
  },
  watch: {
    publishes: {
      ...devicesPublish,
      ...passwordsPublish,
      ...relaysPublish,
      'a sign-up': signUpSubject(host),
    },
    hears: {
      ...relaysHear,
      'the own inbox': `${inboxPrefix('eve')}.>`,
      'the own notices': noticeSubject('eve'),
    },
  },
}
const allowed: Record<Who, { readonly publishes: Rows; readonly hears: Rows }> = {
  device: { publishes: devicesPublish, hears: { ...devicesHear, 'the own inbox': `${inboxPrefix('eve')}.>` } },
  relay: { publishes: relaysPublish, hears: relaysHear },
  password: { publishes: passwordsPublish, hears: { 'the own inbox': `${inboxPrefix('eve')}.>` } },
  guest: {
    publishes: { 'a sign-up': signUpSubject(host) },
    hears: { 'the own inbox': `${guestInboxPrefix(nonce)}.>` },
  },
  watch: { publishes: {}, hears: watchersHear },
}

for (const who of Object.keys(logins) as Who[]) {
  const tables = [
    [
      'may publish nothing but its own',
      'publish',
      { ...nobodyPublishes, ...others[who].publishes },
      /^-ERR .*for Publish/,
    ],
    ['may hear nothing but its own', 'subscribe', { ...nobodyHears, ...others[who].hears }, /^-ERR .*for Subscription/],
    ['may publish its own', 'publish', allowed[who].publishes, /^allowed$/],
    ['may hear its own', 'subscribe', allowed[who].hears, /^allowed$/],
  ] as const
  for (const [may, attempt, rows, wanted] of tables)
    test(`A ${who} ${may} (${Object.keys(rows).length} rows).`, async t => {
      const connection = await connectAs(who, t.context)
      const failed: Record<string, string> = {}
      for (const [what, row] of Object.entries(rows)) {
        const answer = await connection[attempt](typeof row === 'string' ? row : row(t.context))
        if (!wanted.test(answer)) failed[what] = answer
      }
      connection.close()
      t.deepEqual(failed, {})
    })
}

test('No tracker’s key, no broker’s position and no copied log-in makes an agent read, write, share or fetch anything.', async t => {
  const { cluster } = t.context
  const [owner, victim] = await Promise.all([person(t, cluster.servers, 'owner'), person(t, cluster.servers, 'victim')])
  const [hers, his] = await Promise.all([
    agentDevice(t, cluster.servers, owner!),
    agentDevice(t, cluster.servers, victim!),
  ])
  await owner!.trackers.ask('group.create', { group: 'trap' })
  await admit(owner!, 'trap', victim!)
  his!.home.saveSeen(owner!.trackers.seen)
  await hers!.ask('share', { path: randomFile(hers!.folder, 'payload', 1_000), group: 'trap' })
  const [secret, startUp] = ['secret', '.bashrc'].map(name => randomFile(his!.folder, name, 100))
  const before = readFileSync(startUp!)
  const orders: Record<string, object> = {
    share: { path: secret, group: 'trap' },
    download: { group: 'trap', name: 'payload', destination: startUp, overwrite: true },
    'limits.change': { up: 16_384 },
    status: {},
    logout: {},
  }
  const answers: string[] = []
  const give = async (connection: NatsConnection, inbox: string) => {
    connection.subscribe(`${inbox}.>`, {
      callback: (_, { headers, data }) => void (headers ?? answers.push(String(data))),
    })
    for (const [method, params] of Object.entries(orders))
      for (const body of [params, { method, params }])
        connection.publish(formerAgentSubject(victim!, method), JSON.stringify(body), { reply: `${inbox}.x` })
    await connection.flush()
  }

  const tracker = await openConnection(cluster.servers, trustNobody, {
    name: 'a stolen key',
    timeout: 5_000,
    authenticator: nkeyLogin(cluster.secrets.trackerSeeds.shoal),
  })
  t.teardown(() => tracker.close())
  await give(tracker, '_INBOX_.tracker.shoal.stolen')

  // A broker may write whatever it likes into the agent's connection.
  const broker = await injectingBroker(t, cluster.servers[0]!)
  await his!.stop()
  await his!.start({ servers: [broker.server] })
  const reply = `${inboxPrefix('victim')}.injected`
  await broker.inject(
    Object.entries(orders).flatMap(([method, params]) =>
      [params, { method, params }].map(body => ({
        subject: formerAgentSubject(victim!, method),
        reply,
        body: JSON.stringify(body),
      })),
    ),
  )

  const copy = { kind: 'device', ...his!.home.session()! } as const
  const copied = await connectRaw(cluster.servers[0]!, host, copy)
  if (copied === 'refused') return t.fail('the copied log-in is not let in')
  for (const [method, params] of Object.entries(orders))
    t.regex(
      await copied.publish(formerAgentSubject(victim!, method), `${inboxPrefix('victim')}.x`, JSON.stringify(params)),
      /^-ERR .*for Publish/,
      method,
    )
  copied.close()
  const elsewhere = openHome(join(his!.folder, 'elsewhere'))
  elsewhere.saveSession(his!.home.session()!)
  t.like(await createAgentClient(elsewhere).ask('status', {}), { ok: false, code: 'unreachable' })

  // What came before a request of his own has been heard by then, and would have been begun.
  t.deepEqual(await his!.ask('downloads', {}), [])
  t.true(readFileSync(startUp!).equals(before))
  t.is((await his!.ask('status', {})).limits.up, null)
  t.is((await his!.ask('status', {})).state, 'online')
  const files = await askAll(owner!.trackers, 'group.files', { group: 'trap' })
  t.deepEqual(files.ok && files.value.map(({ name }) => name), ['payload'])
  t.deepEqual(answers, [])
  t.false(broker.said().includes(`PUB ${reply}`))

  // The same orders from the device itself are carried out.
  await his!.ask('share', orders.share as never)
  const { id } = await his!.ask('download', orders.download as never)
  t.is((await his!.ask('download.follow', { id })).state, 'completed')

  // The copy is a log-in like that of the device. The device's log-out ends both.
  await his!.ask('logout', {})
  t.true((await logOut(victim!)).ok)
  await until('the copy is refused', async () => {
    const again = await connectRaw(cluster.servers[0]!, host, copy)
    if (again !== 'refused') again.close()
    return again === 'refused'
  })
})

test('The operator hears every user’s machines, and may publish nothing.', async t => {
  const { cluster, vic } = t.context
  const secret = Buffer.from(cluster.secrets.ticketSecret, 'base64url')
  const server = cluster.servers[0]!
  const operator = await connectRaw(server, host, operatorLogin(secret, Date.now() + 60_000))
  if (operator === 'refused') return t.fail('the operator is not let in')
  t.is(await operator.subscribe(inspectSubject(vic, '>')), 'allowed')
  for (const subject of [watchAllSubject, inspectSubject(vic, 'x'), '_INBOX.x'])
    t.regex(await operator.publish(subject), /^-ERR .*for Publish/, subject)
  t.regex(await operator.subscribe(`${inboxPrefix('vic')}.>`), /^-ERR/)
  operator.close()
})

/** Waits until the broker hangs up, rather than refusing one more subscription of a connection that stays. */
async function hangsUp(t: ExecutionContext<Scene>, connection: RawNats, subject: string) {
  let answer = 'allowed'
  while (answer === 'allowed') {
    await delay(100)
    answer = await connection.subscribe(subject)
  }
  t.is(answer, '-ERR closed')
}

test('A watcher’s log-in ends at its expiry: the broker disconnects it and refuses it from then on.', async t => {
  const { cluster, eve } = t.context
  // On a busy machine a short one may end before it is let in.
  const comeFor = async (lifetimeMs: number): Promise<{ login: BrokerLogin; connection: RawNats }> => {
    const login = watchLogin(eve, ticketKeyOf(cluster, eve), Date.now() + lifetimeMs)
    const connection = await connectRaw(cluster.servers[0]!, host, login)
    if (connection !== 'refused') return { login, connection }
    return lifetimeMs < 60_000 ? comeFor(2 * lifetimeMs) : Promise.reject(new Error('it is not let in'))
  }
  const { login, connection } = await comeFor(2_000)
  await hangsUp(t, connection, inspectSubject({ ...eve, device: '*' }, 'x'))
  t.is(await connectRaw(cluster.servers[0]!, host, login), 'refused')
})

test('Logging a device out disconnects its relay and the watchers that use it, and their log-ins are refused from then on.', async t => {
  const { cluster } = t.context
  const server = cluster.servers[0]!
  const lost = { user: 'eve', ...(await logIn(cluster.servers, 'eve')) }
  const device = await connectRaw(server, host, { kind: 'device', ...lost })
  if (device === 'refused') return t.fail('it is not let in')
  const logins = [
    {
      login: watchLogin(lost, ticketKeyOf(cluster, lost), Date.now() + 600_000),
      hears: inspectSubject({ ...lost, device: '*' }, '>'),
    },
    { login: { kind: 'relay', ...lost } as const, hears: relayedTo(lost) },
  ]
  const comeIn = (login: BrokerLogin) => connectRaw(server, host, login)
  const before = await Promise.all(logins.map(({ login }) => comeIn(login)))
  // Asked, not only said: a log-out whose sender does not wait for the answer is not acted on (docs/adr/0012).
  await device.request(
    apiSubject(lost, 'write', 'device.logout'),
    `${inboxPrefix('eve')}.x`,
    JSON.stringify({ id: randomUUID(), seen: 0, params: { credentialHash: credentialHashOf(lost.credential) } }),
  )
  for (const [index, { login, hears }] of logins.entries()) {
    // A tracker that has not applied the log-out yet may let it in for a moment, and hangs up once it has.
    for (let connection = before[index]!; connection !== 'refused'; connection = await comeIn(login))
      await hangsUp(t, connection, hears)
    t.not(before[index], 'refused', login.kind)
  }
  device.close()
})

test('No user can take requests from the trackers’ queue.', async t => {
  for (const who of Object.keys(logins) as Who[]) {
    const connection = await connectAs(who, t.context)
    for (const subject of [
      anyApi('read'),
      anyApi('write'),
      'shoal.guest.signup.*',
      anyAccountRequest,
      passwordVersionSubject('eve', host),
    ])
      t.regex(await connection.subscribe(subject, trackerQueue), /^-ERR/, subject)
    connection.close()
  }
})

test('The number of subscriptions of a connection is limited.', async t => {
  const connection = await connectAs('guest', t.context)
  let held = 0
  while (held < 2_000 && (await connection.subscribe(`${guestInboxPrefix(nonce)}.${held}`)) === 'allowed') held += 1
  connection.close()
  t.is(held, 1_000)
})

test('A connection that gives no identity, or claims without proof to be a tracker or a broker, is refused.', async t => {
  const { cluster, vic } = t.context
  const tracker = fromSeed(Buffer.from(cluster.secrets.trackerSeeds.shoal)).getPublicKey()
  const claims: Record<string, object> = {
    nothing: {},
    'a user alone': { user: 'vic' },
    'a token': { auth_token: 'x' },
    "a tracker's key": { nkey: tracker },
    "a tracker's key with a signature of something else": {
      nkey: tracker,
      sig: Buffer.alloc(64).toString('base64url'),
    },
    "a tracker's key as a user": { user: tracker, pass: '' },
    'a token of JSON': { jwt: 'a.b.c' },
    'a guest without a nonce': { user: '.guest.', pass: '' },
    'what brokers say to each other': { user: 'broker', pass: cluster.secrets.routePassword },
    "somebody's device and a hash of its credential": { user: `vic.${vic.device}`, pass: '0'.repeat(64) },
    "somebody's device and nothing": { user: `vic.${vic.device}`, pass: '' },
  }
  for (const [what, claim] of Object.entries(claims))
    t.is(await connectWith(cluster.servers[0]!, claim), 'refused', what)
})

test('No request makes a tracker answer into the log, into JetStream, or into another user’s inbox.', async t => {
  const { cluster, eve, version } = t.context
  await signUp(cluster.servers, 'taken')
  const operator = await connectOperator(cluster.servers, cluster.secrets)
  t.teardown(() => operator.close())
  const strayed: string[] = []
  const targets = [
    groupEvents('eve'),
    '$JS.API.STREAM.DELETE.SHOAL',
    '_INBOX_vic.x',
    '_INBOX_every.x',
    '_INBOX_.tracker.shoal.x',
    noticeSubject('vic'),
  ]
  for (const target of targets)
    operator.subscribe(target, { callback: (_, message) => void strayed.push(message.subject) })
  await operator.flush()
  const asked = { id: randomUUID(), seen: 0, params: {} }
  const taken = { id: randomUUID(), user: 'taken', password: passwordOf('taken') }
  const device = { id: randomUUID(), device: 'not a device', params: { name: 'x', credentialHash: '' } }
  const requests: [Who, string, object][] = [
    ['device', apiSubject(eve, 'read', 'group.list'), asked],
    ['device', trackersStatus(eve), {}],
    ['device', trackersStats(eve), {}],
    ['guest', signUpSubject(host), taken],
    ['password', passwordVersionSubject('eve', host), { id: randomUUID() }],
    ['password', accountSubject('eve', version, 'log-in', host), device],
  ]
  for (const [who, subject, body] of requests) {
    const connection = await connectAs(who, t.context)
    const inbox = who === 'guest' ? guestInboxPrefix(nonce) : inboxPrefix('eve')
    for (const reply of targets) t.is(await connection.publish(subject, reply, JSON.stringify(body)), 'allowed')
    // Asked in turn, by the queue, until both trackers have surely answered what came before.
    for (let time = 0; time < 8; time++)
      t.regex(await connection.request(subject, `${inbox}.x`, JSON.stringify(body)), /^{/)
    connection.close()
  }
  await operator.flush()
  t.deepEqual(strayed, [])
})
