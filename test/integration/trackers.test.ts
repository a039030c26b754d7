// What people ask the trackers of a real cluster. One cluster for all tests of this file: each has people and groups
// of its own, and none stops anything.

import { randomUUID } from 'node:crypto'
import anyTest, { type TestFn } from 'ava'
import { createInbox } from 'nats'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { connectBroker, LoginRefused } from '../../src/actors/client/broker-connection.ts'
import { askPersistently, createTrackerClient } from '../../src/actors/client/tracker-client.ts'
import { askAsOperator } from '../../src/cluster/operator-requests.ts'
import { credentialHashOf } from '../../src/domain/account.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import { type Notice, noticeSchema } from '../../src/wire/notice.ts'
import { apiSubject, inboxPrefix, noticeSubject, presenceSubject, type RequestKind } from '../../src/wire/subjects.ts'
import { decodeTicket, holderTag, ticketPsk } from '../../src/wire/ticket.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { statusesAtOneSequence } from '../helpers/equal-trackers.ts'
import { granted } from '../helpers/granted.ts'
import { createLookout } from '../helpers/lookout.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { admit, byPassword, logIn, logOut, onDevice, type Person, person, signUp } from '../helpers/person.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest as TestFn<TestCluster>, t => startCluster(t))

/** The code of a refusal, or `done`. */
const codeOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'done' : outcome.code)

function noticesTo({ connection, user }: Person): (type: Notice['type']) => Promise<Notice> {
  const heard: Notice[] = []
  const { look, until } = createLookout()
  connection.subscribe(noticeSubject(user), {
    callback: (_, message) => {
      heard.push(noticeSchema.parse(message.json()))
      look()
    },
  })
  return type => until(() => heard.find(notice => notice.type === type))
}

test('A user id can be signed up only once, and only if it is allowed.', async t => {
  const { servers } = t.context
  const reply = async (user: string) => {
    const answer = granted(await signUp(servers, user, 'password'))
    return answer.ok ? 'done' : answer.code
  }
  t.is(await reply('anna'), 'done')
  t.is(await reply('anna'), 'user-exists')
  for (const lookAlike of ['Anna', 'ANNA']) t.is(await reply(lookAlike), 'user-exists')
  for (const user of ['', 'a b', 'a.b', 'a*', 'a>', '\u0007', 'a'.repeat(10_000), '../etc', '-a'])
    t.is(await reply(user), 'invalid-name', user.slice(0, 20))
  const raced = await Promise.all(Array.from({ length: 6 }, () => reply('racer')))
  t.deepEqual(raced.sort(), ['done', ...Array(5).fill('user-exists')])
  const lookAlikes = await Promise.all(['willow', 'Willow', 'wiIlow', 'wi11ow', 'will0w', 'WILLOW'].map(reply))
  t.deepEqual(lookAlikes.sort(), ['done', ...Array(5).fill('user-exists')])
})

test('No program can sign up with a password that is short, or the user id.', async t => {
  const { servers } = t.context
  for (const password of ['1', 'seven c', 'margaret', 'Margaret'])
    t.like(granted(await signUp(servers, 'margaret', password)), { ok: false, code: 'weak-password' }, password)
  t.like(granted(await signUp(servers, 'margaret', 'eight ch')), { ok: true })
})

test('Only the right password or a device’s own credential is accepted.', async t => {
  const { servers } = t.context
  const ben = await person(t, servers, 'ben')
  const refused = { instanceOf: LoginRefused }
  await t.throwsAsync(logIn(servers, 'ben', 'wrong'), refused)
  await t.throwsAsync(logIn(servers, 'ben', ''), refused)
  await t.throwsAsync(logIn(servers, 'nobody'), refused)
  await t.throwsAsync(logIn(servers, 'ben.x'), refused)
  const connectAs = (change: object) =>
    connectBroker(servers, { kind: 'device', ...ben, ...change } as never, 'test').then(c => c.close())
  await t.notThrowsAsync(connectAs({}))
  await t.throwsAsync(connectAs({ credential: 'x'.repeat(43) }), refused)
  await t.throwsAsync(connectAs({ device: 'x'.repeat(12) }), refused)
  await t.throwsAsync(connectAs({ user: 'Ben' }), refused)
})

/** Resolves with true once a broker has closed their connection. */
async function isCut({ connection }: Person): Promise<boolean> {
  for await (const { type } of connection.status()) if (type === 'disconnect') return true
  return false
}

test('A device that logs out is disconnected and refused, and the user’s other device stays connected.', async t => {
  const { servers } = t.context
  const cleo = await person(t, servers, 'cleo')
  const second = await onDevice(t, servers, 'cleo')
  const cut = isCut(cleo)
  t.is(codeOf(await logOut(cleo)), 'done')
  t.true(await cut)
  await t.throwsAsync(connectBroker(servers, { kind: 'device', ...cleo }, 'test'), { instanceOf: LoginRefused })
  t.is(codeOf(await second.trackers.ask('group.list', {})), 'done')
})

test('A device that logs in again ends the connections made with its earlier credential.', async t => {
  const { servers } = t.context
  const dido = await person(t, servers, 'dido')
  const cut = isCut(dido)
  const params = { name: 'test', credentialHash: credentialHashOf('another credential') }
  granted(await byPassword(servers, dido, 'log-in', params))
  t.true(await cut)
  await t.throwsAsync(connectBroker(servers, { kind: 'device', ...dido }, 'test'), { instanceOf: LoginRefused })
})

test('Users request, accept, reject, remove, hand over and leave, and each refusal has its code.', async t => {
  const { servers } = t.context
  const [dora, emil, finn] = await Promise.all(['dora', 'emil', 'finn'].map(user => person(t, servers, user)))
  if (!dora || !emil || !finn) return t.fail()
  const group = 'dora-group'
  const asked = async (who: Person, ...[method, params]: Parameters<Person['trackers']['ask']>) => {
    const outcome = await who.trackers.ask(method, params)
    for (const each of [dora, emil, finn]) each.trackers.advance(who.trackers.seen)
    return codeOf(outcome)
  }
  t.is(await asked(emil, 'group.join', { group }), 'no-such-group')
  t.is(await asked(dora, 'group.create', { group: 'a b' }), 'invalid-name')
  t.is(await asked(dora, 'group.create', { group: 'g'.repeat(10_000) }), 'invalid-name')
  t.is(await asked(dora, 'group.create', { group }), 'done')
  t.is(await asked(emil, 'group.create', { group }), 'group-exists')
  t.is(await asked(dora, 'group.join', { group }), 'already-member')
  t.is(await asked(emil, 'group.files', { group }), 'not-member')
  t.is(await asked(emil, 'group.members', { group }), 'not-member')
  t.is(await asked(emil, 'group.leave', { group }), 'not-member')
  t.is(await asked(emil, 'group.join', { group }), 'done')
  t.is(await asked(emil, 'group.join', { group }), 'already-requested')
  t.deepEqual(
    granted(await dora.trackers.ask('group.requests', { group })).map(({ user }) => user),
    ['emil'],
  )
  t.is(await asked(dora, 'group.accept', { group, user: 'finn' }), 'no-such-request')
  t.is(await asked(dora, 'group.accept', { group, user: 'emil' }), 'done')
  t.is(await asked(emil, 'group.requests', { group }), 'not-owner')
  t.is(await asked(finn, 'group.join', { group }), 'done')
  t.is(await asked(emil, 'group.accept', { group, user: 'finn' }), 'not-owner')
  t.is(await asked(dora, 'group.reject', { group, user: 'finn' }), 'done')
  t.is(await asked(finn, 'group.files', { group }), 'not-member')
  t.is(await asked(dora, 'group.transfer', { group, user: 'emil' }), 'done')
  t.is(await asked(dora, 'group.remove', { group, user: 'emil' }), 'not-owner')
  t.is(await asked(emil, 'group.remove', { group, user: 'dora' }), 'done')
  const listed = granted(await askAll(dora.trackers, 'group.list', {})).find(each => each.group === group)
  t.like(listed, { owner: 'emil', members: 1, you: 'none' })
  t.is(await asked(emil, 'group.leave', { group }), 'done')
  t.is(await asked(emil, 'group.files', { group }), 'no-such-group')
})

test('A hidden group is seen by its members and by users who asked to join, and does not exist to others.', async t => {
  const { servers } = t.context
  const [hedda, ivo] = await Promise.all(['hedda', 'ivo'].map(user => person(t, servers, user)))
  if (!hedda || !ivo) return t.fail()
  const group = 'hedda-group'
  granted(await hedda.trackers.ask('group.create', { group, hidden: true }))
  ivo.trackers.advance(hedda.trackers.seen)
  const seenBy = async (who: Person) =>
    granted(await askAll(who.trackers, 'group.list', {})).find(each => each.group === group)
  t.is(await seenBy(ivo), undefined)
  t.like(await seenBy(hedda), { hidden: true, you: 'owner' })
  for (const method of ['group.files', 'group.members', 'group.requests', 'group.leave'] as const) {
    const answer = await ivo.trackers.ask(method, { group })
    t.deepEqual(answer, (await ivo.trackers.ask(method, { group: 'no-group' })) as never, method)
  }
  t.is(codeOf(await ivo.trackers.ask('swarm.locate', { group, name: 'x' })), 'no-such-group')
  await admit(hedda, group, ivo)
  t.like(await seenBy(ivo), { hidden: true, you: 'member', members: 2 })
})

test('The operator hands a group to a member, without being one.', async t => {
  const { servers, folder } = t.context
  const [otto, uma] = await Promise.all(['otto', 'uma'].map(user => person(t, servers, user)))
  if (!otto || !uma) return t.fail()
  const group = 'otto-group'
  const transfer = (user: string) => askAsOperator({ folder, servers }, 'group.transfer', { group, user })
  t.is(codeOf(await transfer('uma')), 'no-such-group')
  granted(await otto.trackers.ask('group.create', { group }))
  t.is(codeOf(await transfer('uma')), 'not-member')
  await admit(otto, group, uma)
  const told = noticesTo(uma)('owner.changed')
  await uma.connection.flush()
  granted(await transfer('uma'))
  const { seq } = await told
  otto.trackers.advance(seq)
  t.is(codeOf(await otto.trackers.ask('group.requests', { group })), 'not-owner')
})

test('A swarm lists the online devices that share or fetch, each with a ticket that its device can check.', async t => {
  const { servers } = t.context
  const [gus, hal, ida] = await Promise.all(['gus', 'hal', 'ida'].map(user => person(t, servers, user)))
  if (!gus || !hal || !ida) return t.fail()
  const group = 'gus-group'
  granted(await gus.trackers.ask('group.create', { group }))
  await admit(gus, group, hal)
  await admit(gus, group, ida)
  const manifest = manifestOf('tide.txt', Buffer.from('tide'))
  const locate = (who: Person, name = 'tide.txt') => {
    who.trackers.advance(gus.trackers.seen)
    return who.trackers.ask('swarm.locate', { group, name })
  }
  t.is(codeOf(await locate(hal)), 'no-such-file')
  granted(await gus.trackers.ask('share.add', { group, manifest }))
  const alone = granted(await locate(hal))
  t.like(alone, { manifest, sharers: 1 })
  t.deepEqual(alone.peers, [])

  const beat = (who: Person, fetching: string[]) =>
    who.connection.publish(presenceSubject(who, '127.0.0.1'), JSON.stringify({ state: 'online', port: 4001, fetching }))
  const peersOf = async (who: Person, wanted: number) => {
    for (;;) {
      const { peers } = granted(await locate(who))
      if (peers.length === wanted) return peers
      beat(gus, [])
      beat(hal, [alone.share])
      beat(ida, [alone.share])
    }
  }
  const peers = await peersOf(hal, 2)
  t.deepEqual(
    peers.map(({ user, device, host, port, complete }) => ({ user, device, host, port, complete })),
    [
      { user: 'gus', device: gus.device, host: '127.0.0.1', port: 4001, complete: true },
      { user: 'ida', device: ida.device, host: '127.0.0.1', port: 4001, complete: false },
    ],
  )
  const session = granted(await gus.trackers.ask('agent.session', {}))
  t.deepEqual(granted(await askAll(gus.trackers, 'agent.shares', {})), [
    { group, name: 'tide.txt', share: alone.share },
  ])
  const { identity, key } = peers[0]!.ticket
  t.is(ticketPsk(Buffer.from(session.ticketKey, 'base64url'), identity).toString('base64url'), key)
  t.like(decodeTicket(identity), { share: alone.share, holder: holderTag(hal) })
  t.like(granted(await askAll(ida.trackers, 'group.files', { group }))[0], { sharers: ['gus'], online: 1 })

  granted(await gus.trackers.ask('group.remove', { group, user: 'ida' }))
  const device = 'a'.repeat(12)
  const holders = [hal, ida, { user: 'hal', device }].map(one => ({ user: one.user, device: one.device }))
  const served = { group, name: 'tide.txt', share: alone.share, isRecorded: true, holders }
  const recheck = async (who: Person, share: typeof served) =>
    granted(await who.trackers.ask('serving.recheck', { shares: [share] }))
  const { seq, withdrawn } = await recheck(gus, served)
  t.deepEqual(withdrawn, [
    { kind: 'membership', user: 'ida', group },
    { kind: 'device', user: 'hal', device },
  ])
  t.true(seq > decodeTicket(identity)!.seq)
  const nothing = [{ kind: 'share', share: alone.share }]
  const whole = { ...served, holders: [] }
  hal.trackers.advance(seq)
  ida.trackers.advance(seq)
  t.deepEqual((await recheck(ida, whole)).withdrawn, nothing, 'who serves is no member')
  t.deepEqual((await recheck(hal, whole)).withdrawn, nothing, 'the log has not got it as a sharer')
  t.deepEqual((await recheck(hal, { ...whole, isRecorded: false })).withdrawn, [])
  t.deepEqual((await recheck(hal, { ...whole, isRecorded: false, name: 'other.txt' })).withdrawn, nothing)
  t.is(codeOf(await locate(ida)), 'not-member')
  await peersOf(hal, 1)
})

test('Users get the notices that concern them.', async t => {
  const { servers } = t.context
  const [jan, kim] = await Promise.all(['jan', 'kim'].map(user => person(t, servers, user)))
  if (!jan || !kim) return t.fail()
  const [toJan, toKim] = [noticesTo(jan), noticesTo(kim)]
  const group = 'jan-group'
  granted(await jan.trackers.ask('group.create', { group }))
  await admit(jan, group, kim)
  t.like(await toJan('join.requested'), { group, user: 'kim' })
  t.like(await toKim('join.accepted'), { group })
  const manifest = manifestOf('kelp.txt', Buffer.from('kelp'))
  granted(await jan.trackers.ask('share.add', { group, manifest }))
  t.like(await toKim('file.shared'), { group, name: 'kelp.txt', by: { user: 'jan', device: jan.device } })
  kim.trackers.advance(jan.trackers.seen)
  granted(await kim.trackers.ask('share.add', { group, manifest }))
  t.like(await toJan('sharer.added'), { group, name: 'kelp.txt', by: { user: 'kim', device: kim.device } })
  granted(await jan.trackers.ask('group.remove', { group, user: 'kim' }))
  t.like(await toKim('member.removed'), { group })
  t.like(await toKim('access.revoked'), { group, user: 'kim' })
  t.like(await toJan('access.revoked'), { group, user: 'kim' })
})

test('A request takes effect once, however often it is sent, at the same time or later.', async t => {
  const { servers } = t.context
  const lea = await person(t, servers, 'lea')
  const subject = apiSubject(lea, 'write', 'group.create')
  const request = { id: randomUUID(), seen: 0, params: { group: 'lea-group' } }
  const make = async (body: object) => {
    const reply = granted(await askPersistently(lea.connection, inboxPrefix('lea'), subject, body))
    return reply.ok ? 'done' : reply.code
  }
  const answers = await Promise.all(Array.from({ length: 12 }, () => make(request)))
  t.deepEqual([...new Set(answers)], ['done'])
  t.is(await make(request), 'done')
  t.is(await make({ ...request, id: randomUUID() }), 'group-exists')
})

test('Malformed requests are refused, and the trackers continue.', async t => {
  const { servers } = t.context
  const mia = await person(t, servers, 'mia')
  const raw = async (method: string, body: string, kind: RequestKind = 'write') => {
    const inbox = createInbox(inboxPrefix('mia'))
    const reply = mia.connection.subscribe(inbox, { max: 1, timeout: 5_000 })
    mia.connection.publish(apiSubject(mia, kind, method), body, { reply: inbox })
    for await (const message of reply) return message.json<{ code?: string }>().code
    return 'silence'
  }
  const id = randomUUID()
  const body = (params: unknown, change: object = {}) => JSON.stringify({ id, seen: 0, params, ...change })
  t.is(await raw('group.create', 'no json'), 'usage')
  t.is(await raw('group.create', ''), 'usage')
  t.is(await raw('group.create', 'null'), 'usage')
  t.is(await raw('group.create', body({}, { id: 'x' })), 'usage')
  t.is(await raw('group.create', body({}, { seen: -1 })), 'usage')
  t.is(await raw('group.create', body(null)), 'usage')
  t.is(await raw('group.create', body({ group: 7 })), 'usage')
  t.is(await raw('group.create', body({ group: 'mia-group', more: 1 })), 'usage')
  t.is(await raw('group.create', body({ group: 'a\nb' })), 'invalid-name')
  t.is(await raw('group.accept', body({ group: 'g', user: 'a b' })), 'invalid-name')
  t.is(await raw('no.such.method', body({})), 'usage')
  t.is(await raw('constructor', body({})), 'usage')
  const manifest = manifestOf('f', Buffer.from('f'))
  granted(await mia.trackers.ask('group.create', { group: 'mia-group' }))
  const share = (change: object) =>
    body({ group: 'mia-group', manifest: { ...manifest, ...change } }, { id: randomUUID() })
  t.is(await raw('share.add', share({ pieces: 'AAAA' })), 'integrity')
  t.is(await raw('share.add', share({ name: '../f' })), 'invalid-name')
  t.is(await raw('group.list', body({}), 'read'), undefined)
  t.is(await raw('group.list', body({}), 'write'), 'usage')
  t.is(await raw('group.leave', body({ group: 'mia-group' }), 'read'), 'usage')
})

test('A tracker does not wait forever for a sequence that cannot exist yet.', async t => {
  const { servers } = t.context
  const ned = await person(t, servers, 'ned')
  const fromElsewhere = createTrackerClient(ned.connection, ned, 1_000_000)
  t.is(codeOf(await fromElsewhere.ask('group.list', {})), 'done')
})

test('Both trackers are equal after many concurrent commands.', async t => {
  const { servers } = t.context
  const people = await Promise.all(['pia', 'quin', 'ria'].map(user => person(t, servers, user)))
  const groups = ['pqr1', 'pqr2']
  const manifest = manifestOf('same.txt', Buffer.from('same'))
  const series = people.map(async (who, index) => {
    for (let round = 0; round < 8; round++)
      for (const group of groups) {
        await who.trackers.ask('group.create', { group })
        await who.trackers.ask('group.join', { group })
        for (const { user } of people) await who.trackers.ask('group.accept', { group, user })
        await who.trackers.ask('share.add', { group, manifest })
        if (round % 3 === index) await who.trackers.ask('group.leave', { group })
      }
  })
  await Promise.all(series)
  const statuses = await statusesAtOneSequence(people[0]!.trackers, ['t1', 't2'])
  t.is(statuses[0]?.digest, statuses[1]?.digest)
})
