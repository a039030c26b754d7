import test from 'ava'
import { createActor, fromCallback, initialTransition, SimulatedClock, type SnapshotFrom, transition } from 'xstate'
import { peerTunables } from '../../config/swarm.ts'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { downloadSessionMachine } from '../../src/machines/download-session.ts'
import type {
  PeerConnectionCommand,
  PeerConnectionEvent,
  PeerConnectionInput,
} from '../../src/machines/download-session-protocol.ts'
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
const ready: Event = { type: 'peer.ready', peer: key, via: 'direct', have }
const wanted: Event = { type: 'piece.wanted', piece: 1 }
const unwanted: Event = { type: 'piece.unwanted', piece: 1 }
const received: Event = { type: 'piece.received', peer: key, piece: 1, data: Buffer.from('abcde') }
const refused: Event = { type: 'piece.returned', peer: key, piece: 1, why: 'gone', reason: 'no' }
const broken: Event = { type: 'connection.ended', reason: 'it hung up', final: false }
const finallyBroken: Event = { type: 'connection.ended', reason: 'not welcome', final: true }
const refreshed: Event = { type: 'peer.refreshed', peer: { ...peer, complete: false } }
const moved: Event = { type: 'peer.refreshed', peer: { ...peer, port: 7001 } }
const close: Event = { type: 'session.close', reason: 'enough' }
const events = [secured, ready, wanted, unwanted, received, refused, broken, finallyBroken, refreshed, moved, close]

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
  idle: [secured, ready],
  fetching: [secured, ready, wanted],
  backingOff: [broken, broken],
  closed: [close],
}

const table: readonly (readonly [from: string, event: Event, to: string])[] = [
  ['connectingDirect', secured, 'handshaking'],
  ['connectingDirect', broken, 'connectingRelayed'],
  ['connectingDirect', finallyBroken, 'connectingRelayed'],
  ['connectingDirect', wanted, 'connectingDirect'],
  ['connectingDirect', ready, 'connectingDirect'],
  ['connectingRelayed', secured, 'handshaking'],
  ['connectingRelayed', broken, 'backingOff'],
  ['connectingRelayed', finallyBroken, 'closed'],
  ['handshaking', ready, 'idle'],
  ['handshaking', broken, 'backingOff'],
  ['handshaking', finallyBroken, 'closed'],
  ['idle', wanted, 'fetching'],
  ['idle', received, 'idle'],
  ['idle', moved, 'idle'],
  ['idle', broken, 'backingOff'],
  ['idle', finallyBroken, 'closed'],
  ['fetching', wanted, 'fetching'],
  ['fetching', received, 'idle'],
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
  test(`A session that is ${from} is ${to} after ${about}.`, t => {
    const before = after(...reach[from]!)
    t.is(stateOf(before), from)
    t.is(stateOf(transition(downloadSessionMachine, before, event)[0]), to)
  })
}

test('Every state can be reached.', t => {
  const reached = new Map<string, string>()
  /** Each path is taken from the start: `wanted` is changed in place, so a snapshot cannot be branched from. */
  const explore = (path: readonly Event[]) => {
    const snapshot = after(...path)
    const { wanted: pieces, via, failures } = snapshot.context
    const seen = `${JSON.stringify(snapshot.value)} ${[...pieces]} ${via} ${failures}`
    if (reached.has(seen)) return
    reached.set(seen, stateOf(snapshot))
    if (failures > 1 || snapshot.status !== 'active') return
    for (const event of events) explore([...path, event])
  }
  explore([])
  t.deepEqual([...new Set(reached.values())].sort(), Object.keys(reach).sort())
})

/** A running session. The test plays its connection and moves its clock. */
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

test('A session reports that it is ready, and what becomes of the pieces that were wanted.', t => {
  const { send, events: heard, commands } = start()
  send(secured, ready, { type: 'peer.capacity', peer: key, pieces: 2, bytesPerSecond: 7 })
  send({ type: 'peer.have', peer: key, piece: 0 }, wanted, wanted, received, received)
  t.deepEqual(heard, [
    { type: 'peer.ready', peer: key, via: 'direct', have },
    { type: 'peer.capacity', peer: key, pieces: 2, bytesPerSecond: 7 },
    { type: 'peer.have', peer: key, piece: 0 },
    { type: 'piece.received', peer: key, piece: 1, data: Buffer.from('abcde') },
  ])
  t.deepEqual(commands, [wanted])
})

test('A piece that is no longer wanted is cancelled, and not reported if it arrives anyway.', t => {
  const { send, events: heard, commands } = start()
  send(secured, ready, wanted, unwanted, unwanted, received)
  t.deepEqual(commands, [wanted, unwanted])
  t.deepEqual(heard.slice(1), [])
})

test('A piece wanted from a session that is not ready is returned at once.', t => {
  const { send, events: heard } = start()
  send(wanted)
  t.deepEqual(heard, [{ type: 'piece.returned', peer: key, piece: 1, why: 'lost', reason: 'it is not connected' }])
})

test('The pieces wanted from a lost peer are returned before the loss is reported.', t => {
  const { send, events: heard } = start()
  send(secured, ready, wanted, { type: 'piece.wanted', piece: 0 }, broken)
  t.deepEqual(heard.slice(1), [
    { type: 'piece.returned', peer: key, piece: 1, why: 'lost', reason: 'it hung up' },
    { type: 'piece.returned', peer: key, piece: 0, why: 'lost', reason: 'it hung up' },
    { type: 'peer.lost', peer: key, reason: 'it hung up', final: false },
  ])
})

test('Only a final loss ends the session.', t => {
  const { send, actor, events: heard } = start()
  send(secured, finallyBroken)
  t.deepEqual(heard, [{ type: 'peer.lost', peer: key, reason: 'not welcome', final: true }])
  t.is(actor.getSnapshot().status, 'done')
})

test('A peer that does not answer directly in time is tried through the relay, and then left alone for a while.', t => {
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

test('A peer that never says what it has is left alone for a while.', t => {
  const { actor, send, clock } = start()
  send(secured)
  clock.increment(peerTunables.connectTimeoutMs)
  t.is(stateOf(actor.getSnapshot()), 'backingOff')
})

test('Attempts to reach a lost peer come at doubling intervals, directly first, until a piece arrives.', t => {
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
  send(secured, ready, wanted, received, broken)
  clock.increment(peerTunables.retryFirstMs)
  t.is(stateOf(actor.getSnapshot()), 'connectingDirect')
})

test('A fresh ticket is used at the next attempt.', t => {
  const { send, clock, inputs } = start()
  const fresh = { ...peer, ticket: { ...peer.ticket, identity: 'fresh' } }
  send(broken, broken, { type: 'peer.refreshed', peer: fresh })
  clock.increment(peerTunables.retryFirstMs)
  t.is(inputs.at(-1)!.peer.ticket.identity, 'fresh')
})

test('A connection that throws loses the peer for a while, with the reason.', t => {
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
