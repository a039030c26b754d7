// signup, login, logout, whoami. A password is used once a device: log-in trades it for a credential that this device
// makes for itself and keeps in its home. What a command does not finish leaves the home as it was.

import { createHash, randomBytes, randomUUID } from 'node:crypto'
import { guessTunables } from '../../config/tracker.ts'
import { parseId } from '../domain/names.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import { greetAgent, isAgentRunning } from './ask.ts'
import { command, type Result } from './command.ts'
import type { Context } from './context.ts'

const signup = command({
  words: 'signup',
  summary: 'Make an account. Asks for a password twice.',
  example: 'signup alice',
  args: { user: 'the name others will know you by' },
  takesPassword: true,
  async run(context, input): Promise<Result<{ user: string }>> {
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const password = await context.passwords.ask(user.value, { isNew: true })
    if (!password.ok) return password
    const { askPersistently, connectAs, guestLogin, signUpSubject, guestInboxPrefix } = await wires()
    const guest = guestLogin()
    const connected = await connectAs(
      guest,
      context.servers,
      context.trust,
      refuse('too-many', 'too many are signing up at the moment, or from your address; try again in a minute'),
    )
    if (!connected.ok) return connected
    const body = { id: randomUUID(), user: user.value, password: password.value }
    const connection = connected.value
    const subject = signUpSubject(connection.info?.client_ip ?? '')
    const answer = await askPersistently(connection, guestInboxPrefix(guest.nonce), subject, body)
    await connection.close()
    if (!answer.ok) return answer
    return answer.value.ok ? done({ user: user.value }) : answer.value
  },
  render: ({ user }) => `Signed up as ${user}. Now: shoal login ${user}`,
})

const login = command({
  words: 'login',
  summary: 'Log in on this device, and start its agent if none runs. What you shared before is on offer again.',
  example: 'login alice',
  args: { user: 'your name' },
  takesPassword: true,
  async run(context, input): Promise<Result<{ user: string; device: string }>> {
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const current = context.home.session()
    if (current && current.user !== user.value)
      return {
        ok: false,
        code: 'already-logged-in',
        message: `${current.user} is logged in on this device; run shoal logout first, or use another --home`,
      }
    const password = await context.passwords.ask(user.value, { isNew: false })
    if (!password.ok) return password
    const traded = await tradePassword(context, user.value, password.value)
    if (!traded.ok) return traded
    const running = await haveAgentRunning(context)
    if (running.ok) return done({ user: user.value, device: context.home.device() })
    return { ...running, message: `you are logged in, but ${running.message}` }
  },
  render: ({ user }) => `Logged in as ${user}.`,
})

/** Leaves the device with a credential that works: the one it has, if that still does. */
async function tradePassword(context: Context, user: string, password: string): Promise<Outcome<void>> {
  const { askPersistently, connectAs, inboxPrefix, logInSubject } = await wires()
  // A broker says no more than that; whoever is slowed (domain/attempts.ts) has to know how long.
  const waitSeconds = guessTunables.limits.perTarget.everyMs / 1000
  const wrong = refuse(
    'bad-credentials',
    `there is no user ${user} with that password; after many wrong ones even the right one has to wait ${waitSeconds} seconds`,
  )
  const connected = await connectAs({ kind: 'password', user, password }, context.servers, context.trust, wrong)
  if (!connected.ok) return connected
  const connection = connected.value
  try {
    if (context.home.session() && (await context.connect()).ok) return done(undefined)
    const { home } = context
    const credential = randomBytes(32).toString('base64url')
    const answer = await askPersistently(connection, inboxPrefix(user), logInSubject(user), {
      id: randomUUID(),
      device: home.device(),
      credentialHash: createHash('sha256').update(credential).digest('hex'),
    })
    if (!answer.ok) return answer
    if (!answer.value.ok) return answer.value
    // Another cluster, or this one made anew, counts from the start again.
    home.forgetSeen()
    home.saveSeen(answer.value.seq, answer.value.epoch)
    home.saveSession({ user, device: home.device(), credential })
    return done(undefined)
  } finally {
    await connection.close()
  }
}

/** Returns when the agent answers in the session of this device: from then on everything it shares is on offer. */
async function haveAgentRunning(context: Context): Promise<Outcome<unknown>> {
  const { startAgent } = await import('../actors/device/agent-process.ts')
  const started = await startAgent(context.home, { servers: context.servers })
  return started.ok ? greetAgent(context) : started
}

const logout = command({
  words: 'logout',
  summary: "Log out on this device: its downloads pause, its shares are offline until you're back.",
  example: 'logout',
  async run(context): Promise<Result<{ user: string }>> {
    const session = context.home.session()
    const link = await context.connect()
    if (!session || !link.ok) {
      // A log-in that the trackers have forgotten is over already; only unreachable ones must be told later.
      if (!session || (!link.ok && link.code !== 'not-logged-in')) return link as Result<never>
      context.home.clearSession()
      return done({ user: session.user })
    }
    if (await isAgentRunning(context)) await link.value.agent.ask('logout', {})
    const answer = await link.value.trackers.ask('device.logout', {})
    if (!answer.ok) {
      context.home.saveSession(session)
      return { ...answer, message: `you are still logged in: ${answer.message}` }
    }
    context.home.clearSession()
    await context.disconnect()
    return done({ user: session.user })
  },
  render: ({ user }) => `Logged out ${user}. Downloads go on, and your shares are on offer again, when you log in.`,
})

const whoami = command({
  words: 'whoami',
  summary: 'Who is logged in on this device, and whether its agent runs.',
  example: 'whoami',
  async run(context): Promise<Result<{ user: string; device: string; agent: 'running' | 'stopped' }>> {
    const session = context.home.session()
    if (!session) return refuse('not-logged-in', 'nobody is logged in on this device; run shoal login USER')
    const agent = (await isAgentRunning(context)) ? 'running' : 'stopped'
    return done({ user: session.user, device: session.device, agent })
  },
  render: ({ user, device, agent }, style) =>
    `${style('bold', user)} on device ${device}, agent ${agent}${agent === 'stopped' ? ' (shoal agent start)' : ''}`,
})

/** What talks to brokers is loaded when something is to be said: `whoami` needs none of it. */
async function wires() {
  const [client, connections, subjects] = await Promise.all([
    import('../actors/client/tracker-client.ts'),
    import('./connections.ts'),
    import('../wire/subjects.ts'),
  ])
  return { ...client, ...connections, ...subjects }
}

export const accountCommands = [signup, login, logout, whoami]
