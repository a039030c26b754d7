// People who guess passwords, and who sign up without end, against real brokers and two trackers.

import { randomBytes, randomUUID } from 'node:crypto'
import anyTest, { type TestFn } from 'ava'
import { guessTunables, guestTunables, signUpTunables } from '../../config/tracker.ts'
import { guestInboxPrefix, presenceSubject, signUpSubject } from '../../src/wire/subjects.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { passwordOf, person, signUp } from '../helpers/person.ts'
import { connectRaw, hasManyAddresses, isLetIn } from '../helpers/raw-nats.ts'
import { until } from '../helpers/until.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 2 }))

const onLinux = hasManyAddresses ? test : test.skip

/** Log-ins of one cluster, from one address. */
const from = ({ servers }: TestCluster, address: string) => ({
  guess: (user: string, password = 'wrong') => isLetIn(servers[0]!, address, { kind: 'password', user, password }),
  comeAs: (device: { user: string; device: string; credential: string }) =>
    isLetIn(servers[0]!, address, { kind: 'device', ...device }),
})

/**
 * Whether even the right password is not looked at, right after wrong ones. On a slow machine some attempts come back
 * while the wrong ones are looked at; these use them up.
 */
async function isTurnedAway({ guess }: ReturnType<typeof from>, user: string): Promise<boolean> {
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 4 }, () => guess(user)))
    if (!(await guess(user, passwordOf(user)))) return true
  }
  return false
}

onLinux('Whoever guesses is slowed by all trackers together, and nobody else is, nor any device.', async t => {
  const ann = await person(t, t.context.servers, 'ann')
  const guesser = from(t.context, '127.0.0.2')
  // Fewer than two trackers would look at if each kept count alone, also while some come back on a slow machine.
  const guesses = 2 * guessTunables.limits.perOrigin.atOnce - 2
  const outcomes = await Promise.all(Array.from({ length: guesses }, () => guesser.guess('ann')))
  t.false(outcomes.includes(true))
  t.true(await isTurnedAway(guesser, 'ann'), 'right, and not looked at')
  t.true(await guesser.comeAs(ann), 'a credential is not guessed')
  t.true(await from(t.context, '127.0.0.3').guess('ann', passwordOf('ann')), 'the owner, from elsewhere')
})

onLinux('Many who guess at one account are slowed as one, and its owner gets in where a device is online.', async t => {
  const [bea] = await Promise.all(['bea', 'bo'].map(user => person(t, t.context.servers, user)))
  if (!bea) return t.fail()
  const { perTarget, newcomer } = guessTunables.limits
  const guessers = Array.from({ length: perTarget.atOnce / newcomer.atOnce + 1 }, (_, at) => `127.0.1.${at + 1}`)
  for (let round = 0; round < newcomer.atOnce; round++)
    await Promise.all(guessers.map(address => from(t.context, address).guess('bea')))
  const elsewhere = from(t.context, '127.0.2.1')
  t.false(await elsewhere.guess('bea', passwordOf('bea')), 'right, and not looked at')
  t.true(await elsewhere.guess('bo', passwordOf('bo')), 'nobody guesses at this one')
  const heartbeat = JSON.stringify({ state: 'online', port: 4001, fetching: [] })
  bea.connection.publish(presenceSubject(bea, '127.0.0.1'), heartbeat)
  await until('both trackers have heard the heartbeat', async () => {
    const heard = (await bea.trackers.stats()).filter(({ online }) => online === 1)
    return heard.length === 2
  })
  t.true(await from(t.context, '127.0.0.1').guess('bea', passwordOf('bea')), 'at home')
})

onLinux('The right password may be given as often as one likes.', async t => {
  await person(t, t.context.servers, 'cid')
  const home = from(t.context, '127.0.0.4')
  for (let time = 0; time < guessTunables.limits.perOrigin.atOnce + 5; time++)
    t.true(await home.guess('cid', passwordOf('cid')), `time ${time}`)
})

/** A guest at one address that signs users up: the code of each answer, or `done`. */
async function guestAt({ servers }: TestCluster, address: string) {
  const nonce = randomBytes(16).toString('hex')
  const connection = await connectRaw(servers[0]!, address, { kind: 'guest', nonce })
  if (connection === 'refused') throw new Error('no guest is let in')
  const signUpAs = async (user: string, subject = signUpSubject(address)): Promise<string> => {
    const body = JSON.stringify({ id: randomUUID(), user, password: 'password' })
    const answer = await connection.request(subject, `${guestInboxPrefix(nonce)}.x`, body)
    if (answer.startsWith('-ERR')) return answer
    const reply = JSON.parse(answer) as { code?: string }
    return reply.code ?? 'done'
  }
  /** How many were looked at before one was not. A name that is taken costs no hash, and counts. */
  const flood = async (): Promise<number> => {
    for (let times = 0; times < 2 * signUpTunables.limits.perOrigin.atOnce; times++)
      if ((await signUpAs('taken')) === 'too-many') return times
    return Number.POSITIVE_INFINITY
  }
  return { signUpAs, flood, close: () => connection.close() }
}

/** A few more may get in: at one tracker before it hears of the others' counts, and one every `everyMs`. */
const isRefused = ({ signUpAs }: Awaited<ReturnType<typeof guestAt>>) =>
  until('a guest who signed up without end is refused', async () => (await signUpAs(unusedName())) === 'too-many')
const unusedName = () => `u${randomBytes(8).toString('hex')}`

onLinux('Whoever signs up without end is slowed, and others sign up all the same.', async t => {
  await signUp(t.context.servers, 'taken')
  const { perOrigin, perTarget } = signUpTunables.limits
  const addresses = Array.from({ length: perTarget.atOnce / perOrigin.atOnce + 1 }, (_, at) => `127.0.3.${at + 1}`)
  const flooders = await Promise.all(addresses.map(address => guestAt(t.context, address)))
  const newcomer = await guestAt(t.context, '127.0.4.1')
  t.teardown(() => {
    for (const guest of [...flooders, newcomer]) guest.close()
  })
  const [first, ...more] = flooders
  t.true((await first!.flood()) >= perOrigin.atOnce)
  await isRefused(first!)
  t.is(await newcomer.signUpAs('dan'), 'done')
  await Promise.all(more.map(flooder => flooder.flood()))
  t.is(await newcomer.signUpAs('eli'), 'done')
  await isRefused(more.at(-1)!)
  t.regex(await first!.signUpAs('fay', signUpSubject('127.0.4.1')), /Permissions Violation/)
})

onLinux('Guests of one address hold no more than a few of a broker’s connections, and others come in.', async t => {
  const { servers } = t.context
  const comeFrom = (address: string) =>
    connectRaw(servers[0]!, address, { kind: 'guest', nonce: randomBytes(16).toString('hex') })
  const held: Exclude<Awaited<ReturnType<typeof comeFrom>>, 'refused'>[] = []
  t.teardown(() => {
    for (const connection of held) connection.close()
  })
  const { atOnce, everyMs } = guestTunables.limits.perOrigin
  const startedAt = performance.now()
  for (let guest = await comeFrom('127.0.5.1'); guest !== 'refused'; guest = await comeFrom('127.0.5.1')) {
    held.push(guest)
    if (held.length > atOnce + (performance.now() - startedAt) / everyMs + 1) return t.fail('it takes ever more')
  }
  t.true(held.length >= atOnce)
  const newcomer = await comeFrom('127.0.5.2')
  if (newcomer === 'refused') return t.fail('others are turned away')
  held.push(newcomer)
})
