// The visualizer's server on a real cluster that speaks TLS, asked as its page does: its way to the brokers, and what it says
// of the cluster to a person and to the operator.

import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { wsconnect } from 'nats'
import { WebSocket } from 'ws'
import { trustNobody } from '../../src/actors/client/broker-trust.ts'
import { openDevice } from '../../src/cli/open-device.ts'
import type { Result } from '../../src/cli/result.ts'
import { createAuthoritySecrets } from '../../src/cluster/secrets.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import { servePage } from '../../src/visualizer/server/serve-page.ts'
import { openView, type ViewSource } from '../../src/visualizer/server/view-source.ts'
import { inspectSubject, watchSubject } from '../../src/wire/subjects.ts'
import {
  type ClusterView,
  type VisualizerConfig,
  visualizerConfigSchema,
  visualizerEventSchema,
} from '../../src/wire/visualizer-api.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { type CommandLine, commandLine } from '../helpers/command-line.ts'
import { tempFolder } from '../helpers/temp-folder.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t =>
  startCluster(t, { brokers: 1, trackers: 1, tls: true }),
)

function need<V>(outcome: Outcome<V> | Result<V>): V {
  if (!outcome.ok) throw new Error(outcome.message)
  return outcome.value
}

async function someone(t: ExecutionContext<TestCluster>, user: string): Promise<CommandLine> {
  const line = commandLine(t, t.context.servers)
  for (const word of ['signup', 'login']) await line.json(word, user)
  return line
}

interface Page {
  readonly config: VisualizerConfig
  readonly origin: string
  /** The first look at the cluster of which that is true. */
  until(isIt: (cluster: ClusterView) => boolean): Promise<ClusterView>
}

/** As `shoal visualizer` serves it in that home, on a free port; `trusting` is put in place of the home's own trust. */
async function openPage(t: ExecutionContext<TestCluster>, home: string, trusting?: ViewSource['trust']): Promise<Page> {
  const { servers } = t.context
  const { stdin, stderr } = process
  const device = need(openDevice({ folder: home, servers: servers.join(','), env: {}, stdin, stderr }))
  const view = need(await openView(device, !device.home.session()))
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'index.html'), '<p>page')
  const source = trusting ? { ...view, trust: trusting } : view
  const served = need(await servePage(device, source, folder, { host: '127.0.0.1', port: 0 }))
  const { origin, hash } = new URL(served.address)
  const ended = new AbortController()
  t.teardown(async () => {
    ended.abort()
    await served.close()
  })
  const ask = (path: string) =>
    fetch(`${origin}${path}`, { headers: { authorization: `Bearer ${hash.slice(1)}` }, signal: ended.signal })
  const config = visualizerConfigSchema.parse(await (await ask('/api/config')).json())
  return {
    config,
    origin,
    async until(isIt) {
      const { body } = await ask(`/api/events?watcher=${'0'.repeat(32)}`)
      let text = ''
      for await (const chunk of body!.pipeThrough(new TextDecoderStream())) {
        const lines = `${text}${chunk}`.split('\n')
        text = lines.pop()!
        for (const line of lines) {
          const event = visualizerEventSchema.parse(JSON.parse(line))
          if (event.type === 'cluster' && isIt(event.cluster)) return event.cluster
        }
      }
      throw new Error('the stream of events has ended')
    },
  }
}

/** As a browser does: it says where the page is from. */
const connectFrom = ({ config, origin }: Page) =>
  wsconnect({
    servers: config.watch!.servers,
    user: config.watch!.user,
    pass: config.watch!.pass,
    ignoreClusterUpdates: true,
    reconnect: false,
    wsFactory: async url => ({ socket: new WebSocket(url, { origin }) as never, encrypted: false }),
  })

test('A page connects to brokers that accept only TLS, hears its user’s machines, and cannot publish.', async t => {
  const alice = await someone(t, 'alice')
  const page = await openPage(t, alice.home)
  const connection = await connectFrom(page)
  t.teardown(() => connection.close())
  const { user, device } = page.config.you!
  const picture = Promise.withResolvers<void>()
  connection.subscribe(inspectSubject({ user, device: '*' }, '>'), { callback: () => picture.resolve() })
  await connection.flush()
  void page.until(() => false).catch(() => {})
  await picture.promise

  const statuses = (connection.status() as AsyncIterable<{ type: string; error?: Error }>)[Symbol.asyncIterator]()
  for (const subject of [inspectSubject({ user, device }, 'x'), watchSubject({ user, device })]) {
    connection.publish(subject, '{}')
    let said = await statuses.next()
    while (said.value.type !== 'error') said = await statuses.next()
    t.regex(said.value.error.message, /permissions violation for publish/i)
    t.true(said.value.error.message.includes(subject))
  }
})

test('The page’s way to the brokers trusts the same authority as its device, and no other.', async t => {
  const carol = await someone(t, 'carol')
  const { authority } = await createAuthoritySecrets(tempFolder(t))
  const stranger = { authority: () => authority!.certificate, follow: () => t.fail('a stranger is followed') }
  const firstWord = async (trust?: ViewSource['trust']) => {
    const { config, origin } = await openPage(t, carol.home, trust)
    const socket = new WebSocket(config.watch!.servers[0]!, { origin })
    const said = Promise.withResolvers<string>()
    socket.on('message', data => said.resolve(String(data).slice(0, 5)))
    socket.on('close', () => said.resolve('closed'))
    const word = await said.promise
    socket.terminate()
    return word
  }
  t.is(await firstWord(stranger), 'closed')
  t.is(await firstWord(trustNobody), 'closed')
  t.is(await firstWord(), 'INFO ')
})

test('A user sees only their own devices; the operator sees all devices, groups and brokers.', async t => {
  const dora = await someone(t, 'dora')
  const erik = await someone(t, 'erik')
  await erik.json('group', 'create', 'reef')
  await dora.json('group', 'create', 'cove')
  const operator = await openPage(t, dirname(t.context.folder))
  const all = await operator.until(
    ({ devices, trackers, brokers }) =>
      ['dora', 'erik'].every(name => devices?.some(({ user }) => user === name)) &&
      trackers[0]?.requestsPerSecond !== null &&
      brokers?.[0]?.bytesPerSecond !== null,
  )
  const [broker] = all.brokers!
  t.like(broker, { name: 'n1', state: 'running', leader: true, lag: 0 })
  t.true(broker!.connections! > 0 && broker!.memoryBytes! > 0 && broker!.messagesPerSecond! > 0)
  t.is(all.trackers[0]!.online, all.devices!.length)
  t.deepEqual(
    all.groups!.filter(({ group }) => group === 'reef'),
    [{ group: 'reef', owner: 'erik', members: 1, you: 'none', files: 0 }],
  )

  const page = await openPage(t, dora.home)
  const own = await page.until(({ devices }) => devices?.length !== 0 && devices !== null)
  t.deepEqual(own.groups, [{ group: 'cove', owner: 'dora', members: 1, you: 'owner', files: 0 }])
  t.deepEqual(own.devices, [{ ...page.config.you!, isYou: true, fetching: 0 }])
  t.is(own.trackers[0]!.online, 1)
  t.is(own.brokers, null)
})
