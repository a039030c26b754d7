// signup, login, logout, whoami. Each device uses the password once: logging in trades it for a credential that the device
// makes and keeps in its home. A command that fails leaves the log-in as it was.

import { randomBytes, randomUUID } from 'node:crypto'
import { hostname } from 'node:os'
import { credentialHashOf } from '../../domain/account.ts'
import { parseId, toDeviceName } from '../../domain/names.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { isAgentRunning } from '../agent-running.ts'
import { waitForAgent } from '../ask.ts'
import { command, flag } from '../command.ts'
import type { Context } from '../context.ts'
import type { EndedLogin } from '../end-login.ts'
import type { Result } from '../result.ts'

const notLoggedIn = refuse('not-logged-in', 'you are not logged in on this device; run shoal login USER')

const signup = command({
  name: 'signup',
  summary: 'Create an account. Asks twice for a new password of 8 characters or more.',
  example: 'signup alice',
  args: { user: 'the user id that others will know you by' },
  takesPassword: true,
  async run(context, input): Promise<Result<{ user: string }>> {
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const { askPersistently, connectAs, signUpSubject, guestInboxPrefix } = await loadClient()
    const nonce = randomBytes(16).toString('hex')
    const tooMany = refuse('too-many', 'too many people are signing up right now; try again in a minute')
    // Connect before asking for the password, so that it is not typed in vain when no cluster answers.
    const connecting = connectAs({ kind: 'guest', nonce }, context, tooMany)
    const connected = await context.display.whileWaiting('the brokers', connecting)
    if (!connected.ok) return connected
    const connection = connected.value
    try {
      const password = await context.passwords.ask(user.value, { isNew: true })
      if (!password.ok) return password
      const body = { id: randomUUID(), user: user.value, password: password.value }
      const subject = signUpSubject(connection.info?.client_ip ?? '')
      const asking = askPersistently(connection, guestInboxPrefix(nonce), subject, body)
      const answer = await context.display.whileWaiting('the trackers', asking)
      if (!answer.ok) return answer
      return answer.value.ok ? done({ user: user.value }) : answer.value
    } finally {
      await connection.close()
    }
  },
  render: ({ user }) => `Created the account ${user}. Next: shoal login ${user}`,
})

const login = command({
  name: 'login',
  summary: 'Log in on this device and start its agent. Your earlier shares are available again.',
  example: 'login alice',
  args: { user: 'your user id' },
  takesPassword: true,
  async run(context, input): Promise<Result<{ user: string; device: string }>> {
    const user = parseId('user', input.user)
    if (!user.ok) return user
    const current = context.home.session()
    if (current && current.user !== user.value) {
      const message = `${current.user} is logged in on this device; run shoal logout first, or use another --home`
      return { ok: false, code: 'already-logged-in', message }
    }
    const password = await context.passwords.ask(user.value, { isNew: false })
    if (!password.ok) return password
    const traded = await tradePassword(context, user.value, password.value)
    if (!traded.ok) return traded
    const running = await startAgentAndWait(context)
    if (running.ok) return done({ user: user.value, device: context.home.device() })
    return { ...running, message: `you are logged in, but ${running.message}` }
  },
  render: ({ user }) => `Logged in as ${user}.`,
})

/** Leaves the device with a credential that works: its present one, if the trackers still accept that. */
async function tradePassword(context: Context, user: string, password: string): Promise<Result<void>> {
  const { home } = context
  const { withPassword } = await import('../with-password.ts')
  return withPassword(context, { user, password }, async ask => {
    const current = home.session() ? await context.connect() : undefined
    if (current?.ok) {
      const answer = await current.value.trackers.ask('agent.session', {})
      return !answer.ok && answer.code === 'disabled' ? answer : done(undefined)
    }
    const credential = randomBytes(32).toString('base64url')
    const answer = await ask('log-in', {
      name: toDeviceName(hostname()),
      credentialHash: credentialHashOf(credential),
    })
    if (!answer.ok) return answer
    // Another cluster, or this one created anew, counts from 1 again.
    home.forgetSeen()
    home.saveSeen(answer.value.seq, answer.value.epoch)
    home.saveSession({ user, device: home.device(), credential })
    // It took the place of earlier ones of this user here, for the trackers, too.
    const replaced = home.owedLogouts().filter(owed => owed.user === user && owed.device === home.device())
    for (const owed of replaced) home.settleLogout(owed)
    return done(undefined)
  })
}

/** Resolves once the agent answers in the session of this device: from then on everything it shares is available. */
async function startAgentAndWait(context: Context): Promise<Result<unknown>> {
  const { startAgent } = await import('../../actors/device/agent-process.ts')
  const started = await startAgent(context.home, { servers: context.servers })
  return started.ok ? waitForAgent(context, { retry: true }) : started
}

const logout = command({
  name: 'logout',
  summary:
    'Log out on this device. Its downloads pause and its shares go offline until you log in again. ' +
    'Works without a connection: the trackers are told later.',
  example: 'logout',
  async run(context): Promise<Result<EndedLogin>> {
    const session = context.home.session()
    if (!session) return notLoggedIn
    const { endLogin } = await import('../end-login.ts')
    return done(await endLogin(context, session))
  },
  render({ user, trackers, agent }) {
    if (trackers === 'told') return `Logged out ${user}. Downloads and shares resume when you log in again.`
    const teller =
      agent === 'running' ? 'your agent tells them' : 'the next shoal command here that needs the trackers tells them'
    return `Logged out ${user} on this device. No tracker has confirmed that yet: ${teller} as soon as one can be reached. Downloads and shares resume when you log in again.`
  },
})

const whoami = command({
  name: 'whoami',
  summary: 'Show who is logged in on this device, and whether its agent is running.',
  example: 'whoami',
  async run(context): Promise<Result<{ user: string; device: string; agent: 'running' | 'stopped' }>> {
    const session = context.home.session()
    if (!session) return notLoggedIn
    const agent = (await isAgentRunning(context.home)) ? 'running' : 'stopped'
    return done({ user: session.user, device: session.device, agent })
  },
  render: ({ user, device, agent }, style) =>
    `${style('bold', user)} on device ${device}, agent ${agent}${agent === 'stopped' ? ' (start it: shoal agent start)' : ''}`,
})

const passwd = command({
  name: 'passwd',
  summary:
    'Change your password. This device stays logged in. Asks for the present password, then for the new one twice.',
  example: 'passwd --log-out-others',
  options: { 'log-out-others': flag('Also log out all your other devices.') },
  async run(context, input): Promise<Result<{ user: string; loggedOutOthers: boolean }>> {
    const session = context.home.session()
    if (!session) return notLoggedIn
    const { user } = session
    const password = await context.passwords.ask(user, { isNew: false })
    if (!password.ok) return password
    const { withPassword } = await import('../with-password.ts')
    // Proven before the new one is asked for, so that it is not chosen in vain.
    return withPassword(context, { user, password: password.value, command: 'passwd' }, async ask => {
      const chosen = await context.passwords.ask(user, { isNew: true, replaces: true })
      if (!chosen.ok) return chosen
      const isAsked = !input['log-out-others'] && context.passwordSources.newEnvironment === undefined
      const logOutOthers =
        input['log-out-others'] ||
        (isAsked && (await context.confirm?.('Log out all your other devices, too?'))) ||
        false
      const answer = await ask('change-password', { password: chosen.value, logOutOthers }, Date.now())
      if (!answer.ok) return answer
      context.home.saveSeen(answer.value.seq, answer.value.epoch)
      return done({ user, loggedOutOthers: logOutOthers })
    })
  },
  render: ({ user, loggedOutOthers }) =>
    loggedOutOthers
      ? `Changed the password of ${user}. All your other devices are logged out.`
      : `Changed the password of ${user}. Your devices stay logged in; see shoal devices.`,
})

const deleteAccount = command({
  name: 'account delete',
  summary:
    'Delete your account for good. Asks for your password. Your groups go to their next members; your shares end.',
  example: 'account delete',
  options: { yes: flag('Do not ask whether you are sure.') },
  async run(context, { yes }): Promise<Result<{ user: string }>> {
    const session = context.home.session()
    if (!session) return notLoggedIn
    const { user } = session
    const question = `Delete ${user} for good? Your groups go to their next members, and the user id is never free again.`
    // Without a terminal, the password that a script hands over says that it is sure.
    if (!yes && context.confirm && !(await context.confirm(question)))
      return { ok: false, code: 'interrupted', message: `the account ${user} was not deleted` }
    const password = await context.passwords.ask(user, { isNew: false })
    if (!password.ok) return password
    const { withPassword } = await import('../with-password.ts')
    const proof = { user, password: password.value, command: 'account delete' }
    const deleted = await withPassword(context, proof, ask => ask('delete', {}))
    if (!deleted.ok) return deleted
    // The agent sees that its log-in is gone, and leaves.
    context.home.clearSession()
    await context.disconnect()
    return done({ user })
  },
  render: ({ user }) => `Deleted the account ${user}. All its devices are logged out.`,
})

/** NATS is loaded only by the commands that need it: `whoami` does not. */
async function loadClient() {
  const [client, connecting, subjects] = await Promise.all([
    import('../../actors/client/tracker-client.ts'),
    import('../connect-as.ts'),
    import('../../wire/subjects.ts'),
  ])
  return { ...client, ...connecting, ...subjects }
}

export const accountCommands = [signup, login, logout, whoami, passwd, deleteAccount]
