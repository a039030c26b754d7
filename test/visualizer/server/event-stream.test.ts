// The stream of events to pages, over HTTP, with a connection and a cluster in memory.

import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import test, { type ExecutionContext } from 'ava'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { EventStream } from '../../../src/visualizer/server/event-stream.ts'
import { type ClusterView, visualizerEventSchema } from '../../../src/wire/visualizer-api.ts'
import { watchingSchema } from '../../../src/wire/watching.ts'

const cluster: ClusterView = {
  at: 1,
  isConnected: true,
  brokers: null,
  trackers: [],
  devices: null,
  groups: null,
  problems: [],
}
const watcher = (n: number) => n.toString(16).padStart(32, '0')

async function serve(t: ExecutionContext) {
  const announced: string[][] = []
  const connection = {
    isClosed: () => false,
    publish: (_: string, json: string) => void announced.push(watchingSchema.parse(JSON.parse(json)).watchers),
  }
  const stream = new EventStream({ connection: connection as never, watchSubject: 'watch' }, async () => cluster)
  const server = createServer((request, response) =>
    stream.open(new URL(request.url!, 'http://here').searchParams.get('watcher'), response),
  )
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.teardown(() => {
    stream.close()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  return { announced, open: (name: string) => fetch(`http://127.0.0.1:${port}/?watcher=${name}`) }
}

test('A page is announced as a watcher, gets its name, and gets the cluster.', async t => {
  const { announced, open } = await serve(t)
  const response = await open(watcher(1))
  t.deepEqual(announced, [[watcher(1)]])
  const reader = response.body!.pipeThrough(new TextDecoderStream()).getReader()
  let text = ''
  while (text.split('\n').length < 3) text += (await reader.read()).value
  const events = text
    .trim()
    .split('\n')
    .map(line => visualizerEventSchema.parse(JSON.parse(line)))
  t.deepEqual(events.slice(0, 2), [
    { type: 'watching', watcher: watcher(1) },
    { type: 'cluster', cluster },
  ])
})

test('A malformed watcher is refused, and so is one page more than the maximum.', async t => {
  const { announced, open } = await serve(t)
  t.is((await open('x')).status, 400)
  // Held until the end: fetch closes the connection of a response that is collected as garbage.
  const pages: Response[] = []
  for (let page = 0; page < visualizerTunables.mostPages; page += 1) pages.push(await open(watcher(page)))
  t.is((await open(watcher(99))).status, 503)
  t.true(pages.every(({ status, bodyUsed }) => status === 200 && !bodyUsed))
  t.is(announced.at(-1)?.length, visualizerTunables.mostPages)
})
