// The command line's requests to its agent, through a socket in a home of the test's own: what each side does when the
// other misbehaves.

import { once } from 'node:events'
import { chmodSync, existsSync, mkdirSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { connect, createServer } from 'node:net'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { agentApiTunables } from '../../../config/client.ts'
import { type AgentApiSettings, type AgentHandlers, createAgentApi } from '../../../src/actors/agent/agent-api.ts'
import { createAgentClient } from '../../../src/actors/client/agent-client.ts'
import { findSocket, placeSocket, UnsafeSocket } from '../../../src/actors/device/agent-socket.ts'
import { type Home, openHome } from '../../../src/actors/device/home.ts'
import { done, refuse } from '../../../src/domain/refusal.ts'
import { LibraryFailed } from '../../../src/storage/library-file.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'
import { until } from '../../helpers/until.ts'

const file = { group: 'reef', name: 'film.bin', size: 1, sha1: 'x', pieces: 1 }
const request = { path: '/film.bin', group: 'reef' }
const viewOf = (id: number): DownloadView => ({
  id,
  group: 'reef',
  name: 'film.bin',
  state: 'completed',
  pieces: { done: 1, total: 1 },
  bytes: { done: 1, total: 1 },
  path: '/film.bin',
  sha1: 'x',
  peers: 0,
  bytesPerSecond: 0,
  seconds: 1,
  fetchedBytes: 1,
  deliveries: [],
})

function startApi(home: Home, handlers: Partial<AgentHandlers>, settings: Partial<AgentApiSettings> = {}) {
  const needs = {
    placeSocket: () => placeSocket(home),
    handlers: handlers as AgentHandlers,
    log: pino({ level: 'silent' }),
    settings: { ...agentApiTunables, ...settings },
  }
  return createActor(createAgentApi(needs)).start()
}

function agentWith(t: ExecutionContext, handlers: Partial<AgentHandlers>, settings?: Partial<AgentApiSettings>) {
  const home = openHome(join(tempFolder(t), 'home'))
  const api = startApi(home, handlers, settings)
  t.teardown(() => api.stop())
  return { api, home, client: createAgentClient(home) }
}

/** Everything that the agent says to these bytes. */
async function say(home: Home, bytes: string): Promise<Record<string, unknown>[]> {
  const socket = connect(findSocket(home)!)
  socket.on('error', () => {})
  socket.write(bytes)
  return (await text(socket))
    .split('\n')
    .filter(line => line !== '')
    .map(line => JSON.parse(line))
}

test('A request is answered by a stream: progress, then one end.', async t => {
  const { client } = agentWith(t, {
    async share(params, { progress }) {
      t.deepEqual(params, request)
      progress({ hashedBytes: 1, size: 2 })
      progress({ hashedBytes: 2, size: 2 })
      return done(file)
    },
  })
  const heard: number[] = []
  const answer = await client.ask('share', request, { onProgress: ({ hashedBytes }) => heard.push(hashedBytes) })
  t.deepEqual(answer, done(file))
  t.deepEqual(heard, [1, 2])
})

test('A refusal arrives unchanged, and a handler that throws becomes a refusal too.', async t => {
  const refusal = refuse('not-member', 'you are not a member of reef')
  t.deepEqual(await agentWith(t, { share: async () => refusal }).client.ask('share', request), refusal)
  const failing = (error: Error) =>
    agentWith(t, {
      share: async () => {
        throw error
      },
    }).client.ask('share', request)
  const answer = await failing(new Error('two\nlines'))
  t.like(answer, { ok: false, code: 'unreachable' })
  t.false(JSON.stringify(answer).includes('\\n'))
  t.like(await failing(new LibraryFailed('its disk is full')), { ok: false, code: 'library-failed' })
})

test('Malformed requests, unknown methods and overlong lines never reach a handler, and the next request is served.', async t => {
  const { home, client } = agentWith(t, {
    share: async () => t.fail('it reached the handler') as never,
    downloads: async () => done([]),
  })
  const ask = (method: unknown, params: unknown = {}) => `${JSON.stringify({ method, params })}\n`
  for (const bytes of [
    '\n',
    'share\n',
    '[]\n',
    ask('share', { path: '' }),
    ask('constructor'),
    ask('no-such-method'),
    ask(7),
    `${JSON.stringify({ method: 'downloads', params: {}, more: 1 })}\n`,
    `${'['.repeat(40_000)}\n`,
    'x'.repeat(agentApiTunables.mostRequestBytes + 1),
    `${'x'.repeat(agentApiTunables.mostRequestBytes + 1)}\n`,
  ])
    t.like(await say(home, bytes), [{ kind: 'end', ok: false, code: 'usage' }], bytes.slice(0, 60))
  t.deepEqual(await client.ask('downloads', {}), done([]))
})

test('A connection carries one request, and one without a request is closed.', async t => {
  let served = 0
  const downloads = async () => {
    served += 1
    return done([])
  }
  const { home } = agentWith(t, { downloads })
  const line = `${JSON.stringify({ method: 'downloads', params: {} })}\n`
  t.is((await say(home, line + line)).length, 1)
  t.is(served, 1)
  t.deepEqual(await say(agentWith(t, { downloads }, { requestWithinMs: 1 }).home, ''), [])
})

test('A long list arrives whole, in lines of a few rows, and so does one that comes before the end.', async t => {
  const views = [1, 2, 3, 4, 5].map(id => viewOf(id))
  const { home, client } = agentWith(
    t,
    {
      downloads: async () => done(views),
      async 'downloads.watch'(_, { progress }) {
        await progress(views)
        await progress(views.slice(0, 1))
        return done({})
      },
    },
    { rowsAtOnce: 2 },
  )
  t.deepEqual(await client.ask('downloads', {}), done(views))
  const heard: number[][] = []
  const onProgress = (items: DownloadView[]) => void heard.push(items.map(({ id }) => id))
  t.deepEqual(await client.ask('downloads.watch', {}, { onProgress }), done({}))
  t.deepEqual(heard, [[1, 2, 3, 4, 5], [1]])
  const lines = await say(home, `${JSON.stringify({ method: 'downloads', params: {} })}\n`)
  t.deepEqual(
    lines.map(({ kind, rows, result }) => [kind, ((rows ?? result) as unknown[]).length]),
    [
      ['rows', 2],
      ['rows', 2],
      ['end', 1],
    ],
  )
})

test('Requests beyond the most at once are refused; there is room again when one has ended.', async t => {
  const { client } = agentWith(
    t,
    {
      'downloads.watch': (_, { signal, progress }) => {
        void progress([])
        return new Promise((_, reject) => signal.addEventListener('abort', () => reject(signal.reason)))
      },
      downloads: async () => done([]),
    },
    { mostRequests: 2 },
  )
  const given = new AbortController()
  const { promise: bothWatch, resolve } = Promise.withResolvers<void>()
  let watching = 0
  const options = { signal: given.signal, onProgress: () => ++watching === 2 && resolve() } as const
  const watchers = [1, 2].map(() => client.ask('downloads.watch', {}, options as never))
  const ended = Promise.allSettled(watchers)
  await bothWatch
  t.like(await client.ask('downloads', {}), { ok: false, code: 'too-many' })
  given.abort(new Error('enough'))
  await ended
  await until('there is room again', async () => (await client.ask('downloads', {})).ok)
})

test('A client that stays after its answer holds no place.', async t => {
  const { home, client } = agentWith(t, { downloads: async () => done([]) }, { mostRequests: 1 })
  const staying = connect({ path: findSocket(home)!, allowHalfOpen: true })
  t.teardown(() => staying.destroy())
  staying.write(`${JSON.stringify({ method: 'downloads', params: {} })}\n`)
  await once(staying.resume(), 'end')
  await until('there is room again', async () => (await client.ask('downloads', {})).ok)
  t.pass()
})

test('A client that leaves what it is told unread is cut off.', async t => {
  const gone = Promise.withResolvers<void>()
  const { home } = agentWith(
    t,
    {
      'troubles.watch': (_, { signal, progress }) => {
        signal.addEventListener('abort', () => gone.resolve())
        const flooding = setInterval(() => progress('x'.repeat(100_000)), 1)
        return gone.promise.then(() => clearInterval(flooding)) as never
      },
    },
    { mostUnreadBytes: 1_000_000 },
  )
  const socket = connect(findSocket(home)!)
  t.teardown(() => socket.destroy())
  socket.pause()
  socket.write(`${JSON.stringify({ method: 'troubles.watch', params: {} })}\n`)
  await gone.promise
  t.pass()
})

test('A client that gives up ends what ran for it, and hears its own reason.', async t => {
  const aborted = Promise.withResolvers<void>()
  const { client } = agentWith(t, {
    share: (_, { signal, progress }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      progress({ hashedBytes: 1, size: 2 })
      return new Promise(() => {})
    },
  })
  const given = new AbortController()
  const asked = client.ask('share', request, {
    signal: given.signal,
    onProgress: () => given.abort(new Error('enough')),
  })
  await t.throwsAsync(asked, { message: 'enough' })
  await aborted.promise
  await t.throwsAsync(client.ask('share', request, { signal: AbortSignal.abort(new Error('before')) }), {
    message: 'before',
  })
})

test('An agent that stops aborts what runs for its clients, and they hear that it has stopped.', async t => {
  const aborted = Promise.withResolvers<void>()
  const { client, api, home } = agentWith(t, {
    share: (_, { signal, progress }) => {
      signal.addEventListener('abort', () => aborted.resolve())
      progress({ hashedBytes: 1, size: 2 })
      return new Promise(() => {})
    },
  })
  const answer = await client.ask('share', request, { onProgress: () => api.stop() })
  await aborted.promise
  t.like(answer, { ok: false, code: 'unreachable' })
  t.is(findSocket(home), undefined)
})

test('A silent agent is called frozen, with its process; one that reports now and then is waited for.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  home.saveAgentPid(process.pid)
  const server = createServer(() => {}).listen(placeSocket(home))
  t.teardown(() => server.close())
  await once(server, 'listening')
  const client = createAgentClient(home, { lookEveryMs: 10, silentLooks: 2, startsWithinMs: 0 })
  const answer = await client.ask('downloads', {})
  t.like(answer, { ok: false, code: 'unreachable' })
  t.regex(answer.ok ? '' : answer.message, new RegExp(`agent \\(process ${process.pid}\\) is frozen: it runs, but`))

  const slow = agentWith(t, { downloads: () => working }, { workingEveryMs: 20 })
  const patient = createAgentClient(slow.home, { lookEveryMs: 20, silentLooks: 20, startsWithinMs: 0 })
  let looks = 0
  const { promise: working, resolve } = Promise.withResolvers<ReturnType<typeof done<never[]>>>()
  const asked = patient.ask('downloads', {})
  const counting = setInterval(() => ++looks > 60 && resolve(done([])), 20)
  t.deepEqual(await asked, done([]))
  clearInterval(counting)
})

test('Without an agent a request is refused at once.', async t => {
  const client = createAgentClient(openHome(join(tempFolder(t), 'home')))
  const message = 'no agent runs on this device; start it with shoal agent start'
  t.deepEqual(await client.ask('downloads', {}), { ok: false, code: 'unreachable', message })
})

test('An answer in a form this version does not know is not passed on.', async t => {
  const { client } = agentWith(t, { share: async () => done({ ...file, size: 'many' }) as never })
  t.like(await client.ask('share', request), { ok: false, code: 'unreachable' })
})

test('The socket is for its owner alone, whatever folder was there before.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  mkdirSync(join(home.folder, 'run'))
  chmodSync(join(home.folder, 'run'), 0o777)
  const api = startApi(home, { downloads: async () => done([]) })
  t.teardown(() => api.stop())
  t.true((await createAgentClient(home).ask('downloads', {})).ok)
  t.is(statSync(join(home.folder, 'run')).mode & 0o777, 0o700)
  t.is(statSync(findSocket(home)!).mode & 0o777, 0o600)
})

test('A socket that a killed agent left behind is replaced, and one that was removed is made again.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  const path = placeSocket(home)
  writeFileSync(path, 'not even a socket')
  const api = startApi(home, { downloads: async () => done([]) }, { checkSocketEveryMs: 10 })
  t.teardown(() => api.stop())
  const client = createAgentClient(home)
  t.true((await client.ask('downloads', {})).ok)
  rmSync(join(home.folder, 'run'), { recursive: true })
  await until('it is made again', () => existsSync(path))
  t.true((await client.ask('downloads', {})).ok)
})

test('A socket that is removed while it is being made is made again.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  const api = startApi(home, { downloads: async () => done([]) }, { checkSocketEveryMs: 10 })
  t.teardown(() => api.stop())
  rmSync(findSocket(home)!)
  await until('it is made again', () => findSocket(home) !== undefined)
  t.true((await createAgentClient(home).ask('downloads', {})).ok)
})

test('A home whose path is too long for a socket records a private folder elsewhere, and keeps to it.', async t => {
  const home = openHome(join(tempFolder(t), 'long'.repeat(30)))
  const path = placeSocket(home)
  t.teardown(() => rmSync(home.socketFolder()!, { recursive: true }))
  t.false(path.startsWith(home.folder))
  t.is(statSync(home.socketFolder()!).mode & 0o777, 0o700)
  t.is(placeSocket(home), path)
  const api = startApi(home, { downloads: async () => done([]) })
  t.teardown(() => api.stop())
  t.true((await createAgentClient(home).ask('downloads', {})).ok)

  // Somebody else may have made what is there by now.
  const folder = home.socketFolder()!
  chmodSync(folder, 0o755)
  t.throws(() => findSocket(home), { instanceOf: UnsafeSocket })
  t.like(await createAgentClient(home).ask('downloads', {}), { ok: false, code: 'untrusted' })
  chmodSync(folder, 0o700)
})

test('Nothing is asked of what is not a socket.', async t => {
  const home = openHome(join(tempFolder(t), 'home'))
  writeFileSync(placeSocket(home), '')
  t.like(await createAgentClient(home).ask('downloads', {}), { ok: false, code: 'untrusted' })
})
