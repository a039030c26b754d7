// `shoal visualizer --stately`, on a real agent's download: heard by the server and the receiver of Stately's own package.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { type AddressInfo, connect } from 'node:net'
import { setTimeout as delay } from 'node:timers/promises'
import { createWebSocketReceiver, type StatelyInspectionEvent } from '@statelyai/inspect'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { WebSocketServer } from 'ws'
import { createMachine } from 'xstate'
import { freePort } from '../../src/cluster/free-port.ts'
import { shoalProgram } from '../../src/cluster/package-root.ts'
import { agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { admit, person } from '../helpers/person.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

/** What is received, and a wait for what will be. */
function receiver() {
  const heard: StatelyInspectionEvent[] = []
  const waiting = new Set<() => void>()
  return {
    heard,
    hear(event: StatelyInspectionEvent) {
      heard.push(event)
      for (const look of waiting) look()
    },
    until: <E extends StatelyInspectionEvent>(is: (event: StatelyInspectionEvent) => event is E): Promise<E> =>
      new Promise(resolve => {
        const look = () => {
          const found = heard.find(is)
          if (!found) return
          waiting.delete(look)
          resolve(found)
        }
        waiting.add(look)
        look()
      }),
  }
}

function sendTo(t: ExecutionContext<TestCluster>, home: string, port: number) {
  const child = spawn(process.execPath, [shoalProgram, 'visualizer', '--stately', String(port)], {
    env: { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: t.context.servers.join(',') },
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  let said = ''
  child.stderr.on('data', data => (said += data))
  const ended = once(child, 'exit').then(([code]) => ({ code: code as number, said }))
  t.teardown(async () => {
    child.kill('SIGTERM')
    await ended
  })
  return ended
}

/** In a process of its own, because it goes on as long as a client is connected, and so does the receiver. */
async function startStatelyServer(t: ExecutionContext<TestCluster>): Promise<number> {
  const port = await freePort()
  const program = `import { createInspectorServer } from '@statelyai/inspect/server'
    createInspectorServer({ port: ${port}, autoOpen: false })`
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'ignore', 'inherit'],
  })
  t.teardown(() => child.kill('SIGKILL'))
  const answers = async () => {
    const socket = connect(port, '127.0.0.1')
    const answer = await once(socket, 'connect').then(
      () => true,
      () => false,
    )
    socket.destroy()
    return answer
  }
  while (!(await answers())) {
    if (child.exitCode !== null) throw new Error('Stately’s server ended')
    await delay(50)
  }
  return port
}

type ActorEvent = Extract<StatelyInspectionEvent, { type: '@xstate.actor' }>
const actorCalled =
  (name: RegExp) =>
  (event: StatelyInspectionEvent): event is ActorEvent =>
    event.type === '@xstate.actor' && name.test(event.name)

test('Stately’s own receiver gets a download from start to end, in states of the definition that it was sent.', async t => {
  const { servers } = t.context
  const [alice, bob] = [await person(t, servers, 'alice'), await person(t, servers, 'bob')]
  granted(await alice.trackers.ask('group.create', { group: 'reef' }))
  await admit(alice, 'reef', bob)
  const [from, to] = [await agentDevice(t, servers, alice), await agentDevice(t, servers, bob)]
  await from.ask('share', { path: randomFile(from.folder, 'film.bin', 6_000_000), group: 'reef', name: 'film.bin' })
  to.home.saveSeen(from.home.seen())
  bob.trackers.advance(from.home.seen())

  const port = await startStatelyServer(t)
  const { heard, hear, until } = receiver()
  createWebSocketReceiver({ server: `ws://127.0.0.1:${port}` }).subscribe(hear)
  sendTo(t, to.home.folder, port)
  await until(actorCalled(/^bob on .* agent$/))
  // Messages to an actor are reported only if it still runs when they are, 0.2 s later: this download lasts longer.
  await to.ask('limits.change', { down: 4 * 2 ** 20 })
  const { id } = await to.ask('download', { group: 'reef', name: 'film.bin', destination: to.folder, overwrite: false })
  const download = await until(actorCalled(new RegExp(`^download[-:]${id}$`)))
  await until(
    (event): event is StatelyInspectionEvent =>
      event.type === '@xstate.snapshot' && event.sessionId === download.sessionId && event.snapshot.status === 'done',
  )
  await until(
    (event): event is StatelyInspectionEvent =>
      event.type === '@xstate.event' && event.event.type === 'piece.received' && event.sessionId === download.sessionId,
  )

  const definition = JSON.parse(download.definition!)
  t.is(definition.id, 'download')
  const machine = createMachine(definition)
  const states = heard.flatMap(event =>
    event.type === '@xstate.snapshot' && event.sessionId === download.sessionId
      ? [(event.snapshot as unknown as { value: string | object }).value]
      : [],
  )
  for (const value of states) t.notThrows(() => machine.resolveState({ value: value as never, context: {} }))
  t.is(states.at(-1), 'completed')

  const announced = new Set<string>()
  for (const event of heard) {
    t.true([event._version, event.sessionId, event.createdAt, event.rootId].every(text => typeof text === 'string'))
    if (event.type === '@xstate.actor') {
      t.true(event.parentId === undefined || announced.has(event.parentId), event.name)
      announced.add(event.sessionId)
    } else t.true(announced.has(event.sessionId), JSON.stringify(event))
    if (event.type === '@xstate.event' && event.sourceId !== undefined) t.true(announced.has(event.sourceId))
  }
  t.false(heard.some(event => JSON.stringify(event).includes('alice on')))
})

test('An inspector that reconnects is sent every actor again; without one the command says so.', async t => {
  const dora = await person(t, t.context.servers, 'dora')
  const { home } = await agentDevice(t, t.context.servers, dora)
  const alone = await sendTo(t, home.folder, await freePort())
  t.is(alone.code, 3)
  t.regex(alone.said, /no Stately inspector listens on port/)

  const server = new WebSocketServer({ host: '127.0.0.1', port: 0 })
  t.teardown(() => {
    for (const client of server.clients) client.terminate()
    server.close()
  })
  await once(server, 'listening')
  sendTo(t, home.folder, (server.address() as AddressInfo).port)
  for (const _time of [1, 2]) {
    const [socket] = await once(server, 'connection')
    const { hear, until } = receiver()
    socket.on('message', (data: Buffer) => hear(JSON.parse(data.toString())))
    t.truthy(await until(actorCalled(/^dora on .* agent$/)))
    socket.terminate()
  }
})
