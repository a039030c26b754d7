// What a person's own device answers with no broker in reach: an agent in this process, and commands that ask it.

import { once } from 'node:events'
import { existsSync, writeFileSync } from 'node:fs'
import { type AddressInfo, createServer, type Socket } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { runAgent } from '../../src/actors/agent/run-agent.ts'
import { createAgentClient } from '../../src/actors/client/agent-client.ts'
import { openHome } from '../../src/actors/device/home.ts'
import { openLibrary } from '../../src/storage/library.ts'
import { runInThisProcess } from '../helpers/command-line.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const nowhere = 'nats://127.0.0.1:1'
const manifest = manifestOf('film.bin', Buffer.alloc(3 * 512 * 1024, 1))
const credential = 'c'.repeat(43)

/** A broker that stands still: it accepts connections and says nothing. */
async function silentBroker(t: ExecutionContext): Promise<string> {
  const sockets = new Set<Socket>()
  const listening = createServer(socket => void sockets.add(socket)).listen(0, '127.0.0.1')
  await once(listening, 'listening')
  t.teardown(() => {
    listening.close()
    for (const socket of sockets) socket.destroy()
  })
  return `nats://127.0.0.1:${(listening.address() as AddressInfo).port}`
}

/** Alice's device, with three downloads from before: 1 and 2 queued, 3 paused. */
async function aloneDevice(t: ExecutionContext, server = nowhere) {
  const folder = tempFolder(t)
  const home = openHome(join(folder, 'home'))
  home.saveSession({ user: 'alice', device: home.device(), credential })
  const library = openLibrary(home.libraryFile)
  for (const name of ['one', 'two', 'three']) {
    const destination = join(folder, name)
    const file = { user: 'alice', group: 'reef', name: 'film.bin', share: 'a'.repeat(32), manifest, overwrite: false }
    library.createDownload({ ...file, destination, part: `${destination}.part`, createdAt: 1 })
  }
  library.changeDownload(2, { madePart: true })
  library.changeDownload(3, { state: 'paused' })
  library.close()
  writeFileSync(join(folder, 'two.part'), 'some pieces')

  const start = () => runAgent({ home, servers: [server], listen: '127.0.0.1:0', log: pino({ level: 'silent' }) })
  let agent = await start()
  t.teardown(() => agent.stop())
  const env = { SHOAL_HOME: home.folder, SHOAL_SERVERS: server }
  const run = async (words: string) => {
    const { code, out } = await runInThisProcess([...words.split(' '), '--json'], env)
    return { code, result: JSON.parse(out.trim().split('\n').at(-1) ?? '') }
  }
  const states = async () => (await run('downloads')).result.map(({ state }: { state: string }) => state)
  const restart = async () => {
    await agent.stop()
    agent = await start()
  }
  return { home, folder, run, states, restart }
}

test('With no broker in reach downloads are listed, paused, resumed and cancelled, and a restart keeps that.', async t => {
  const { folder, run, states, restart } = await aloneDevice(t)
  t.deepEqual(await states(), ['queued', 'queued', 'paused'])
  t.is((await run('pause 1')).result.state, 'paused')
  t.is((await run('cancel 2')).result.state, 'cancelled')
  t.false(existsSync(join(folder, 'two.part')))
  t.is((await run('resume 3')).result.state, 'queued')
  const expected = ['paused', 'cancelled', 'queued']
  t.deepEqual(await states(), expected)
  t.like(await run('resume 2'), { code: 1, result: { error: { code: 'not-running' } } })
  t.like(await run('pause 9'), { code: 1, result: { error: { code: 'no-such-download' } } })
  await restart()
  t.deepEqual(await states(), expected)
})

test('Beside a broker that stands still, what concerns this device is answered, too; no answer waits for the broker.', async t => {
  const { run, states } = await aloneDevice(t, await silentBroker(t))
  t.regex((await run('agent status')).result.state, /^(connecting|offline)$/)
  t.deepEqual(await states(), ['queued', 'queued', 'paused'])
  t.is((await run('pause 1')).result.state, 'paused')
  t.is((await run('resume 3')).result.state, 'queued')
  t.is((await run('cancel 2')).result.state, 'cancelled')
  t.is((await run('limit down 1M')).result.down, 1024 * 1024)
  t.is((await run('whoami')).result.agent, 'running')
  t.like((await run('logout')).result, { trackers: 'later', agent: 'running' })
})

test('With no broker in reach downloads can be watched.', async t => {
  const { home, run } = await aloneDevice(t)
  const enough = new AbortController()
  const states = new Set<string>()
  const watching = createAgentClient(home).ask(
    'downloads.watch',
    {},
    {
      signal: enough.signal,
      onProgress(views) {
        states.add(views[0]!.state)
        if (states.has('paused')) enough.abort(new Error('enough'))
        else void run('pause 1')
      },
    },
  )
  await t.throwsAsync(watching, { message: 'enough' })
  t.deepEqual([...states], ['queued', 'paused'])
})

test('With no broker in reach limits are shown and changed, and the status says what is missing.', async t => {
  const { home, run } = await aloneDevice(t)
  t.is((await run('limit up 500k')).result.up, 500 * 1024)
  t.is((await run('limit')).result.up, 500 * 1024)
  t.is((await run('whoami')).result.agent, 'running')
  t.like(await createAgentClient(home).ask('ready', { withinMs: 60_000, retry: false }), {
    ok: false,
    code: 'unreachable',
  })
  const { code, result } = await run('agent status')
  t.is(code, 0)
  t.like(result, { agent: 'running', user: 'alice', state: 'offline', listen: 'nowhere', downloads: 0 })
  t.regex(result.problem, /no broker that this device trusts answers/)
})

test('With no broker in reach, what needs the trackers is refused, and says that they are what is missing.', async t => {
  const { folder, run } = await aloneDevice(t)
  writeFileSync(join(folder, 'file'), 'content')
  for (const words of [`share ${join(folder, 'file')} reef`, 'unshare reef file', `download reef file ${folder}`]) {
    const { code, result } = await run(words)
    t.is(code, 3, words)
    t.is(result.error.code, 'unreachable', words)
    t.regex(result.error.message, /needs the trackers, and no broker .* answers.*repeat the command/, words)
  }
})

test('With no broker in reach a log-out counts here at once, and the trackers are owed it.', async t => {
  const { home, run } = await aloneDevice(t)
  const session = home.session()!
  t.deepEqual((await run('logout')).result, { user: 'alice', trackers: 'later', agent: 'running' })
  t.is(home.session(), undefined)
  t.deepEqual(home.owedLogouts(), [session])
  t.is((await run('agent status')).result.state, 'logged-out')
  t.like(await run('downloads'), { code: 1, result: { error: { code: 'not-logged-in' } } })
  t.like(await run('logout'), { code: 1, result: { error: { code: 'not-logged-in' } } })
  t.is((await run('limit')).code, 0)
})

test('A log-out that is owed to the trackers is kept for the owner alone, until it is settled.', t => {
  const home = openHome(join(tempFolder(t), 'home'))
  const login = (user: string) => ({ user, device: home.device(), credential: user.padEnd(43, 'c') })
  for (const user of ['alice', 'bob', 'bob']) {
    home.saveSession(login(user))
    home.endSession(login(user))
    t.is(home.session(), undefined)
    // Two log-outs at once.
    home.endSession(login(user))
  }
  t.deepEqual(
    home
      .owedLogouts()
      .map(({ user }) => user)
      .sort(),
    ['alice', 'bob'],
  )
  home.settleLogout(login('alice'))
  home.settleLogout(login('alice'))
  t.deepEqual(home.owedLogouts(), [login('bob')])
})
