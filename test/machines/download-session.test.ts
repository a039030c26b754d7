import test from 'ava'
import { createActor, fromCallback, initialTransition, SimulatedClock, type SnapshotFrom, transition } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { peerTunables } from '../../config/swarm.ts'
import { createBitfield } from '../../src/domain/bitfield.ts'
import {
  downloadSessionMachine,
  type PeerConnectionCommand,
  type PeerConnectionEvent,
  type PeerConnectionInput,
} from '../../src/machines/download-session.ts'
import type { DownloadSessionCommand, DownloadSessionEvent } from '../../src/machines/swarm-protocol.ts'
import { recordEvents } from '../helpers/swarm.ts'

const peer = {
  user: 'alice',
  device: 'aaaaaaaaaaaa',
  host: '10.0.0.1',
  port: 7000,
  complete: true,
  ticket: { identity: 'identity', key: 'k'.repeat(43) },
}
const key = 'alice/aaaaaaaaaaaa'
const manifest = { size: 10, pieceLength: 5 }
const have = createBitfield(2)

type Event = DownloadSessionCommand | PeerConnectionEvent

const secured: Event = { type: 'connection.secured' }
const bitfield: Event = { type: 'bitfield.received', have }
const wanted: Event = { type: 'piece.wanted', piece: 1 }
const unwanted: Event = { type: 'piece.unwanted', piece: 1 }
const gathered: Event = { type: 'piece.gathered', piece: 1, data: Buffer.from('abcde') }
const refused: Event = { type: 'piece.refused', piece: 1, why: 'gone', reason: 'no' }
const broken: Event = { type: 'connection.ended', reason: 'it hung up', final: false }
const finallyBroken: Event = { type: 'connection.ended', reason: 'not welcome', final: true }
const refreshed: Event = { type: 'peer.refreshed', peer: { ...peer, complete: false } }
const moved: Event = { type: 'peer.refreshed', peer: { ...peer, port: 7001 } }
const close: Event = { type: 'session.close', reason: 'enough' }
const events = [secured, bitfield, wanted, unwanted, gathered, refused, broken, finallyBroken, refreshed, moved, close]

const input = () => ({ peer, share: '0'.repeat(32), manifest, parent: recordEvents<DownloadSessionEvent>().ref })

type Snapshot = SnapshotFrom<typeof downloadSessionMachine>

/** The innermost state, by name. */
function stateOf(snapshot: Snapshot): string {
  let value: unknown = snapshot.value
  while (typeof value === 'object' && value !== null) [value] = Object.values(value)
  return String(value)
}

const after = (...steps: Event[]) => {
  const [start] = initialTransition(downloadSessionMachine, input())
  return steps.reduce<Snapshot>((snapshot, event) => transition(downloadSessionMachine, snapshot, event)[0], start)
}

const reach: Record<string, Event[]> = {
  connectingDirect: [],
  connectingRelayed: [broken],
  handshaking: [secured],
  idle: [secured, bitfield],
  fetching: [secured, bitfield, wanted],
  backingOff: [broken, broken],
  closed: [close],
}

const table: readonly (readonly [from: string, event: Event, to: string])[] = [
  ['connectingDirect', secured, 'handshaking'],
  ['connectingDirect', broken, 'connectingRelayed'],
  ['connectingDirect', finallyBroken, 'connectingRelayed'],
  ['connectingDirect', wanted, 'connectingDirect'],
  ['connectingDirect', bitfield, 'connectingDirect'],
  ['connectingRelayed', secured, 'handshaking'],
  ['connectingRelayed', broken, 'backingOff'],
  ['connectingRelayed', finallyBroken, 'closed'],
  ['handshaking', bitfield, 'idle'],
  ['handshaking', broken, 'backingOff'],
  ['handshaking', finallyBroken, 'closed'],
  ['idle', wanted, 'fetching'],
  ['idle', gathered, 'idle'],
  ['idle', moved, 'idle'],
  ['idle', broken, 'backingOff'],
  ['idle', finallyBroken, 'closed'],
  ['fetching', wanted, 'fetching'],
  ['fetching', gathered, 'idle'],
  ['fetching', refused, 'idle'],
  ['fetching', unwanted, 'idle'],
  ['fetching', broken, 'backingOff'],
  ['fetching', finallyBroken, 'closed'],
  ['backingOff', refreshed, 'backingOff'],
  ['backingOff', moved, 'connectingDirect'],
  ['backingOff', wanted, 'backingOff'],
  ...['connectingDirect', 'connectingRelayed', 'handshaking', 'idle', 'fetching', 'backingOff'].map(
    from => [from, close, 'closed'] as const,
  ),
]
for (const [from, event, to] of table) {
  const about =
    'final' in event && event.final ? `${event.type} for good` : event === moved ? 'a new address' : event.type
  test(`a link that is ${from} is ${to} after ${about}`, t => {
    const before = after(...reach[from]!)
    t.is(stateOf(before), from)
    t.is(stateOf(transition(downloadSessionMachine, before, event)[0]), to)
  })
}

test('every state can be reached', t => {
  const paths = getShortestPaths(downloadSessionMachine, {
    input: input(),
    events,
    serializeState: snapshot =>
      `${JSON.stringify(snapshot.value)} ${[...snapshot.context.wanted]} ${snapshot.context.via}`,
    stopWhen: snapshot => snapshot.context.failures > 1,
  })
  const reached = new Set(paths.map(({ state }) => stateOf(state)))
  t.deepEqual([...reached].sort(), Object.keys(reach).sort())
})

/** A running link over a connection that the test speaks for, on a clock that the test moves. */
function start() {
  const commands: PeerConnectionCommand[] = []
  const inputs: PeerConnectionInput[] = []
  const heard = recordEvents<DownloadSessionEvent>()
  const clock = new SimulatedClock()
  const connection = fromCallback<PeerConnectionCommand, PeerConnectionInput>(({ input: given, receive }) => {
    inputs.push(given)
    receive(command => commands.push(command))
  })
  const actor = createActor(downloadSessionMachine.provide({ actors: { connection } }), {
    input: { ...input(), parent: heard.ref },
    clock,
  }).start()
  const send = (...steps: Event[]) => {
    for (const event of steps) actor.send(event)
  }
  return { actor, send, clock, commands, inputs, events: heard.events }
}

test('a link tells its download when it is ready and passes on what comes of the pieces it wanted', t => {
  const { send, events: heard, commands } = start()
  send(secured, bitfield, { type: 'capacity.measured', pieces: 2, bytesPerSecond: 7 })
  send({ type: 'have.received', piece: 0 }, wanted, wanted, gathered, gathered)
  t.deepEqual(heard, [
    { type: 'peer.ready', peer: key, via: 'direct', have },
    { type: 'peer.capacity', peer: key, pieces: 2, bytesPerSecond: 7 },
    { type: 'peer.have', peer: key, piece: 0 },
    { type: 'piece.received', peer: key, piece: 1, data: Buffer.from('abcde') },
  ])
  t.deepEqual(commands, [wanted])
})

test('a piece that is let go is cancelled, and not reported when it comes all the same', t => {
  const { send, events: heard, commands } = start()
  send(secured, bitfield, wanted, unwanted, unwanted, gathered)
  t.deepEqual(commands, [wanted, unwanted])
  t.deepEqual(heard.slice(1), [])
})

test('a piece wanted of a link that is not ready comes back at once', t => {
  const { send, events: heard } = start()
  send(wanted)
  t.deepEqual(heard, [{ type: 'piece.returned', peer: key, piece: 1, why: 'lost', reason: 'it is not connected' }])
})

test('what was wanted of a lost link comes back before the loss is told', t => {
  const { send, events: heard } = start()
  send(secured, bitfield, wanted, { type: 'piece.wanted', piece: 0 }, broken)
  t.deepEqual(heard.slice(1), [
    { type: 'piece.returned', peer: key, piece: 1, why: 'lost', reason: 'it hung up' },
    { type: 'piece.returned', peer: key, piece: 0, why: 'lost', reason: 'it hung up' },
    { type: 'peer.lost', peer: key, reason: 'it hung up', final: false },
  ])
})

test('a refusal for good ends the link, and only then', t => {
  const { send, actor, events: heard } = start()
  send(secured, finallyBroken)
  t.deepEqual(heard, [{ type: 'peer.lost', peer: key, reason: 'not welcome', final: true }])
  t.is(actor.getSnapshot().status, 'done')
})

test('who does not answer directly in time is tried through the relay, and then given up for a while', t => {
  const { actor, clock, inputs, events: heard } = start()
  clock.increment(peerTunables.connectTimeoutMs)
  t.is(stateOf(actor.getSnapshot()), 'connectingRelayed')
  t.deepEqual(
    inputs.map(({ via }) => via),
    ['direct', 'relay'],
  )
  clock.increment(peerTunables.connectTimeoutMs)
  t.is(stateOf(actor.getSnapshot()), 'backingOff')
  t.deepEqual(heard, [{ type: 'peer.lost', peer: key, reason: 'it cannot be reached', final: false }])
})

test('who never says what it has is given up for a while', t => {
  const { actor, send, clock } = start()
  send(secured)
  clock.increment(peerTunables.connectTimeoutMs)
  t.is(stateOf(actor.getSnapshot()), 'backingOff')
})

test('attempts at a lost peer come at doubling intervals, directly again first, until a piece has come', t => {
  const { actor, send, clock, inputs } = start()
  for (let failure = 0; failure < 12; failure++) {
    send(broken, broken)
    const most = Math.min(peerTunables.retryFirstMs * 2 ** failure, peerTunables.retryMostMs)
    clock.increment(most / 2 - 1)
    t.is(stateOf(actor.getSnapshot()), 'backingOff')
    clock.increment(most / 2 + 1)
    t.is(stateOf(actor.getSnapshot()), 'connectingDirect')
    t.is(inputs.at(-1)!.via, 'direct')
  }
  send(secured, bitfield, wanted, gathered, broken)
  clock.increment(peerTunables.retryFirstMs)
  t.is(stateOf(actor.getSnapshot()), 'connectingDirect')
})

test('a fresh ticket is used at the next attempt', t => {
  const { send, clock, inputs } = start()
  const fresh = { ...peer, ticket: { ...peer.ticket, identity: 'fresh' } }
  send(broken, broken, { type: 'peer.refreshed', peer: fresh })
  clock.increment(peerTunables.retryFirstMs)
  t.is(inputs.at(-1)!.peer.ticket.identity, 'fresh')
})

test('a connection that throws loses the link for a while, with the reason', t => {
  const heard = recordEvents<DownloadSessionEvent>()
  const connection = fromCallback<PeerConnectionCommand, PeerConnectionInput>(() => {
    throw new Error('no sockets left')
  })
  const actor = createActor(downloadSessionMachine.provide({ actors: { connection } }), {
    input: { ...input(), parent: heard.ref },
    clock: new SimulatedClock(),
  }).start()
  t.is(stateOf(actor.getSnapshot()), 'backingOff')
  t.like(heard.events[0], { type: 'peer.lost', final: false })
  t.regex((heard.events[0] as { reason: string }).reason, /no sockets left/)
})
