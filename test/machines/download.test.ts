// What a download does at each event, with a store, a locator and sessions that say only what the test makes them say.

import test from 'ava'
import { type CallbackActorLogic, createActor, fromCallback, SimulatedClock } from 'xstate'
import { getShortestPaths } from 'xstate/graph'
import { downloadTunables, peerTunables } from '../../config/swarm.ts'
import { type Bitfield, createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { downloadMachine } from '../../src/machines/download.ts'
import type {
  DownloadEvent,
  DownloadInput,
  DownloadOutput,
  LocatorCommand,
  StoreCommand,
} from '../../src/machines/download-protocol.ts'
import type { DownloadSessionInput } from '../../src/machines/download-session.ts'
import type { DownloadSessionCommand } from '../../src/machines/swarm-protocol.ts'
import type { SwarmPeer } from '../../src/wire/tracker-api.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const pieces = 4
const manifest = manifestOf('film.bin', Buffer.alloc(pieces * 512 * 1024))
const input: DownloadInput = {
  spec: { id: 1, group: 'reef', name: 'film.bin', share: 'f'.repeat(32), manifest, path: '/x', overwrite: false },
  spent: { seconds: 0, fetchedBytes: 0, deliveries: [] },
  now: () => 0,
  running: () => 1,
}

const peer = (user: string): SwarmPeer => ({
  user,
  device: 'aaaaaaaaaaaa',
  host: '192.0.2.1',
  port: 1,
  complete: true,
  ticket: { identity: 'i', key: 'k'.repeat(43) },
})
const alice = 'alice/aaaaaaaaaaaa'
const bob = 'bob/aaaaaaaaaaaa'

type Failing = 'store' | 'locator' | 'session' | 'waste'

function startDownload(failing?: Failing, over: Partial<DownloadInput> = {}) {
  const clock = new SimulatedClock()
  const told = {
    store: [] as StoreCommand[],
    locator: [] as LocatorCommand[],
    sessions: [] as [string, DownloadSessionCommand][],
  }
  const opened: string[] = []
  const endings: DownloadOutput[] = []
  const listening = <C extends { type: string }>(name: 'store' | 'locator') =>
    fromCallback<C>(({ receive }) => {
      if (failing === name) throw new Error(`the ${name} broke`)
      receive(command => {
        if (failing === 'waste' && command.type === 'piece.wasted') throw new Error(`the ${name} broke`)
        ;(told[name] as unknown as C[]).push(command)
      })
    })
  const downloadSession = fromCallback<DownloadSessionCommand, DownloadSessionInput>(({ input: { peer }, receive }) => {
    opened.push(peer.user)
    if (failing === 'session') throw new Error('the session broke')
    receive(command => told.sessions.push([peer.user, command]))
  })
  const actor = createActor(
    downloadMachine.provide({
      actors: {
        store: listening('store') as never,
        locator: listening('locator') as never,
        downloadSession: downloadSession as never,
      },
      actions: { recordEnding: (_, ended) => endings.push(ended) },
    }),
    { input: { ...input, ...over }, clock },
  )
  actor.subscribe({ error: () => {} })
  actor.start()
  const send = (...events: DownloadEvent[]) => {
    for (const event of events) actor.send(event)
    return state()
  }
  const state = (): string => {
    const { value } = actor.getSnapshot()
    return typeof value === 'string' ? value : Object.entries(value).flat().join('.')
  }
  return { actor, clock, told, opened, endings, send, state }
}

const ready = (have: Bitfield = createBitfield(pieces)): DownloadEvent => ({ type: 'store.ready', have })
const located = (...users: string[]): DownloadEvent => ({ type: 'swarm.located', peers: users.map(peer) })
const joins = (peer: string, have = fullBitfield(pieces), capacity = 8): DownloadEvent[] => [
  { type: 'peer.ready', peer, via: 'direct', have },
  { type: 'peer.capacity', peer, pieces: capacity, bytesPerSecond: undefined },
]
const received = (peer: string, piece: number): DownloadEvent => ({
  type: 'piece.received',
  peer,
  piece,
  data: Buffer.alloc(512 * 1024),
})
const verified = (peer: string, piece: number): DownloadEvent => ({
  type: 'piece.verified',
  peer,
  piece,
  checkedInMs: 1,
  writtenInMs: 2,
})
const everything = [0, 1, 2, 3].flatMap(piece => [received(alice, piece), verified(alice, piece)])
const refusal = { code: 'not-member', message: 'you are not a member' } as const
const toTransferring = [ready(), located('alice'), ...joins(alice)]
const toFinishing: DownloadEvent[] = [...toTransferring, ...everything, { type: 'whole.right' }]

const table: [after: string, events: DownloadEvent[], state: string][] = [
  ['it starts', [], 'preparing'],
  ['the destination is fine', [ready()], 'fetching.locating'],
  ['the part file has every piece already', [ready(fullBitfield(pieces))], 'verifying'],
  ['the very file is there already', [{ type: 'store.there' }], 'settling'],
  ['the destination is not fine', [{ type: 'store.failed', ...refusal }], 'settling'],
  ['trackers are away', [ready(), { type: 'swarm.unanswered', ...refusal }], 'fetching.locating'],
  ['no sharer is online', [ready(), located()], 'fetching.stalled'],
  ['no device shares it any more', [ready(), { type: 'swarm.absent', ...refusal }], 'fetching.stalled'],
  ['we may not have it', [ready(), { type: 'swarm.refused', ...refusal }], 'settling'],
  ['a sharer is online and not connected yet', [ready(), located('alice')], 'fetching.locating'],
  ['somebody has it', toTransferring, 'fetching.transferring'],
  [
    'the only peer has nothing we lack',
    [ready(), located('alice'), ...joins(alice, createBitfield(pieces))],
    'fetching.stalled',
  ],
  [
    'the only peer is lost',
    [...toTransferring, { type: 'peer.lost', peer: alice, reason: 'gone', final: false }],
    'fetching.stalled',
  ],
  [
    'the lost peer is back',
    [...toTransferring, { type: 'peer.lost', peer: alice, reason: 'gone', final: false }, ...joins(alice)],
    'fetching.transferring',
  ],
  [
    'a stalled peer gets a piece',
    [ready(), located('alice'), ...joins(alice, createBitfield(pieces)), { type: 'peer.have', peer: alice, piece: 2 }],
    'fetching.transferring',
  ],
  ['every piece is verified', [...toTransferring, ...everything], 'verifying'],
  ['the whole is right', toFinishing, 'finishing'],
  ['it is paused too late', [...toFinishing, { type: 'download.pause' }], 'finishing'],
  ['it has its name', [...toFinishing, { type: 'file.finished' }], 'settling'],
  ['it is over', [...toFinishing, { type: 'file.finished' }, { type: 'store.closed' }], 'completed'],
  ['it is paused', [...toTransferring, { type: 'download.pause' }], 'settling'],
  ['the pause is done', [...toTransferring, { type: 'download.pause' }, { type: 'store.closed' }], 'paused'],
  ['it is cancelled', [ready(), { type: 'download.cancel' }, { type: 'store.closed' }], 'cancelled'],
  ['the agent stops', [ready(), { type: 'download.suspend' }, { type: 'store.closed' }], 'suspended'],
  ['the disk is full', [...toTransferring, { type: 'store.failed', ...refusal }, { type: 'store.closed' }], 'failed'],
  [
    'it is paused while it fails',
    [ready(), { type: 'store.failed', ...refusal }, { type: 'download.pause' }, { type: 'store.closed' }],
    'failed',
  ],
]

for (const [after, events, state] of table)
  test(`A download is ${state} after: ${after}.`, t => {
    t.is(startDownload().send(...events), state)
  })

test('When the whole file does not match, its wrong pieces are fetched again.', t => {
  const { send, actor } = startDownload()
  const have = createBitfield(pieces)
  send(ready(have), located('alice'), ...joins(alice))
  for (const piece of [0, 1, 2, 3]) {
    have.add(piece)
    send(received(alice, piece), verified(alice, piece))
  }
  have.remove(2)
  t.is(send({ type: 'whole.wrong', pieces: [2] }), 'fetching.locating')
  t.is(actor.getSnapshot().context.ledger.picker?.missing, 1)
})

test('Each session gets as many requests as it can take, and no piece is requested twice.', t => {
  const { send, told } = startDownload()
  send(
    ready(),
    located('alice', 'bob'),
    ...joins(alice, fullBitfield(pieces), 2),
    ...joins(bob, fullBitfield(pieces), 2),
  )
  const wanted = told.sessions.map(([user, command]) => (command.type === 'piece.wanted' ? [user, command.piece] : []))
  t.deepEqual(wanted.map(([user]) => user).sort(), ['alice', 'alice', 'bob', 'bob'])
  t.deepEqual(wanted.map(([, piece]) => piece).sort(), [0, 1, 2, 3])
})

test('Running downloads share the memory for unwritten pieces.', t => {
  const large = manifestOf('film.bin', Buffer.alloc(12 * 512 * 1024))
  const wantedWith = (running: number) => {
    const spec = { ...input.spec, manifest: large }
    const { send, told } = startDownload(undefined, { spec, running: () => running })
    send(ready(createBitfield(12)), located('alice'), ...joins(alice, fullBitfield(12)))
    return told.sessions.filter(([, { type }]) => type === 'piece.wanted').length
  }
  t.is(wantedWith(1), downloadTunables.maxPiecesPerPeer)
  t.is(wantedWith(16), 4)
})

test('The ledger tells how long the store was full, and what its pieces took.', t => {
  let nowMs = 0
  const { actor, send } = startDownload(undefined, { now: () => nowMs, running: () => 1_000 })
  const { ledger } = actor.getSnapshot().context
  send(ready(), located('alice'), ...joins(alice), received(alice, 0), received(alice, 1))
  nowMs = 2_000
  t.is(ledger.storeFull.share(nowMs), 0)
  // Four may be under way or unwritten: three at the store are nearly all.
  send(received(alice, 2))
  nowMs = 5_000
  t.is(ledger.storeFull.share(nowMs), 0.6)
  send({ type: 'piece.rejected', peer: alice, piece: 2 })
  nowMs = 6_000
  t.is(ledger.storeFull.share(nowMs), 0.6)
  send(verified(alice, 0))
  t.true(ledger.writingTime.bytesPerSecond(nowMs) > ledger.checkingTime.bytesPerSecond(nowMs))
})

test('The pieces of a connected peer are known, and grow.', t => {
  const { actor, send } = startDownload()
  const have = createBitfield(pieces)
  send(ready(), located('alice'), ...joins(alice, have))
  have.add(2)
  send({ type: 'peer.have', peer: alice, piece: 2 })
  t.is(actor.getSnapshot().context.ledger.sessions.get(alice)?.have?.count, 1)
})

test('A peer’s limit is known until the peer lifts it or reconnects.', t => {
  const { actor, send } = startDownload()
  const limit = () => actor.getSnapshot().context.ledger.sessions.get(alice)?.limit
  send(ready(), located('alice'), ...joins(alice), { type: 'peer.limited', peer: alice, bytesPerSecond: 1_000 })
  t.is(limit(), 1_000)
  send({ type: 'peer.limited', peer: alice, bytesPerSecond: 0 })
  t.is(limit(), undefined)
  send({ type: 'peer.limited', peer: alice, bytesPerSecond: 2_000 })
  send({ type: 'peer.lost', peer: alice, reason: 'gone', final: false }, ...joins(alice))
  t.is(limit(), undefined)
  // Of a stranger nothing is kept.
  t.notThrows(() => send({ type: 'peer.limited', peer: bob, bytesPerSecond: 1 }))
})

test('A peer that sends a wrong piece is dropped, and its pieces are requested from others.', t => {
  const { send, told, opened, state } = startDownload()
  send(
    ready(),
    located('alice', 'bob'),
    ...joins(alice, fullBitfield(pieces), 1),
    ...joins(bob, createBitfield(pieces)),
  )
  const [, command] = told.sessions[0]!
  const piece = command.type === 'piece.wanted' ? command.piece : -1
  send(received(alice, piece))
  t.like(told.store.at(-1), { type: 'piece.check', peer: alice, piece, via: 'direct' })
  send({ type: 'piece.rejected', peer: alice, piece })
  t.true(told.sessions.some(([user, { type }]) => user === 'alice' && type === 'session.close'))
  t.is(state(), 'fetching.stalled')
  send(located('alice', 'bob'), { type: 'peer.have', peer: bob, piece })
  t.deepEqual(opened.toSorted(), ['alice', 'bob'])
  t.deepEqual(told.sessions.at(-1), ['bob', { type: 'piece.wanted', piece }])
})

test('The last piece of a peer that turns out much slower is also requested from a faster one.', t => {
  const { send, told } = startDownload()
  const capacity = (peer: string, bytesPerSecond: number): DownloadEvent => ({
    type: 'peer.capacity',
    peer,
    pieces: 1,
    bytesPerSecond,
  })
  const last = createBitfield(pieces)
  for (const piece of [0, 1, 2]) last.add(piece)
  send(ready(last), located('alice', 'bob'), ...joins(alice, fullBitfield(pieces), 1))
  send(...joins(bob, fullBitfield(pieces), 1))
  t.is(told.sessions.length, 1)
  send(capacity(bob, 1e6), capacity(alice, 100))
  t.deepEqual(told.sessions.slice(1), [['bob', { type: 'piece.wanted', piece: 3 }]])
  send(received(bob, 3))
  t.deepEqual(told.sessions.at(-1), ['alice', { type: 'piece.unwanted', piece: 3 }])
})

test('Bytes that are no longer wanted are reported to the store as waste, and not checked.', t => {
  const { send, told } = startDownload()
  send(...toTransferring, received(alice, 0), received(alice, 0))
  t.deepEqual(
    told.store.map(({ type }) => type),
    ['piece.check', 'piece.wasted'],
  )
})

test('Sessions with peers that left the swarm end, unless they deliver; others get fresh tickets.', t => {
  const { send, told, opened, actor } = startDownload()
  send(ready(), located('alice', 'bob'), ...joins(alice), located('alice'))
  t.deepEqual(
    told.sessions.filter(([, { type }]) => type === 'peer.refreshed').map(([user]) => user),
    ['alice'],
  )
  t.deepEqual([...actor.getSnapshot().context.ledger.sessions.keys()], [alice])
  send(located())
  t.deepEqual([...actor.getSnapshot().context.ledger.sessions.keys()], [alice])
  t.deepEqual(opened.toSorted(), ['alice', 'bob'])
})

test('Sessions that deliver nothing make room for untried peers, a few at a time.', t => {
  const { send, opened, actor } = startDownload()
  const idlers = Array.from({ length: downloadTunables.maxPeers - 1 }, (_, index) => `idler${index}`)
  const late = Array.from({ length: downloadTunables.givingWayAtOnce + 1 }, (_, index) => `late${index}`)
  const all = located('alice', ...idlers, ...late)
  const has = (user: string) => actor.getSnapshot().context.ledger.sessions.has(`${user}/aaaaaaaaaaaa`)
  send(ready(), located('alice', ...idlers), ...joins(alice, fullBitfield(pieces), 1))
  for (const idler of idlers) send(...joins(`${idler}/aaaaaaaaaaaa`, createBitfield(pieces), 1))
  t.is(opened.length, downloadTunables.maxPeers)
  send(all)
  t.is(opened.length, downloadTunables.maxPeers, 'they have had no time yet')
  send(all)
  t.is(opened.length, downloadTunables.maxPeers + late.length - 1)
  t.true(has('alice'), 'it is asked for something')
  t.is(late.filter(has).length, downloadTunables.givingWayAtOnce)
  t.is(idlers.filter(has).length, idlers.length - downloadTunables.givingWayAtOnce)
  t.is(actor.getSnapshot().context.ledger.sessions.size, downloadTunables.maxPeers)
})

test('The trackers are asked again periodically, sooner while stalled, and at once after a change.', t => {
  const { send, told, clock } = startDownload()
  send(...toTransferring)
  t.is(told.locator.length, 1)
  clock.increment(downloadTunables.locateEveryMs)
  t.is(told.locator.length, 2)
  send({ type: 'peer.lost', peer: alice, reason: 'gone', final: false })
  clock.increment(downloadTunables.locateStalledMs)
  t.is(told.locator.length, 3)
  send({ type: 'swarm.changed' })
  t.is(told.locator.length, 4)
})

test('A pause ends the sessions and keeps the part file; a cancel discards it.', t => {
  const paused = startDownload()
  paused.send(...toTransferring, { type: 'download.pause' })
  t.is(paused.told.sessions.at(-1)?.[1].type, 'session.close')
  t.deepEqual(paused.told.store.at(-1), { type: 'store.close', discard: false })
  const cancelled = startDownload()
  cancelled.send(...toTransferring, { type: 'download.cancel' })
  t.deepEqual(cancelled.told.store.at(-1), { type: 'store.close', discard: true })
})

test('An ending is recorded once, with its problem.', t => {
  const { send, endings } = startDownload()
  send(ready(), { type: 'swarm.refused', ...refusal }, { type: 'store.closed' })
  t.deepEqual(endings, [{ ending: 'failed', problem: refusal }])
})

test('A store that breaks fails the download, and no other actor.', t => {
  const { state, endings, actor } = startDownload('store')
  t.is(state(), 'failed')
  t.is(endings[0]?.ending, 'failed')
  t.is(actor.getSnapshot().status, 'done')
})

test('A store that breaks while pieces arrive also fails the download.', t => {
  const { send, endings } = startDownload('waste')
  t.is(send(...toTransferring, received(bob, 0)), 'failed')
  t.like(endings, [{ ending: 'failed', problem: { code: 'destination-unwritable' } }])
})

test('A peer whose sessions keep ending for good is tried less and less often, until it delivers a right piece.', t => {
  let nowMs = 0
  const { send, opened } = startDownload(undefined, { now: () => nowMs })
  const ends: DownloadEvent = { type: 'peer.lost', peer: alice, reason: 'it broke the protocol', final: true }
  send(...toTransferring, ends, located('alice'))
  t.is(opened.length, 2, 'at once, with its fresh ticket')
  send(ends, located('alice'))
  t.is(opened.length, 2)
  nowMs += peerTunables.retryFirstMs * 2
  send(located('alice'))
  t.is(opened.length, 3)
  send(...joins(alice), received(alice, 0), verified(alice, 0), ends, located('alice'))
  t.is(opened.length, 4, 'forgiven')
})

test('A locator that breaks fails the download.', t => {
  const { send, endings } = startDownload('locator')
  t.is(send(ready()), 'settling')
  send({ type: 'store.closed' })
  t.is(endings[0]?.ending, 'failed')
})

test('A session that fails counts as a lost peer, which may be tried again.', t => {
  const { send, actor, opened } = startDownload('session')
  t.is(send(ready(), located('alice')), 'fetching.stalled')
  t.is(actor.getSnapshot().context.ledger.sessions.size, 0)
  send(located('alice'))
  t.deepEqual(opened, ['alice', 'alice'])
})

test('Every state can be reached, and every state can reach an end.', t => {
  type Hinted = DownloadEvent & { hint?: 'whole' | 'progress' | 'hopeless' }
  const hinted =
    (hint: Hinted['hint']) =>
    ({ event }: { event: DownloadEvent }) =>
      (event as Hinted).hint === hint
  const idle = () => {}
  const never = fromCallback(() => {}) as unknown as CallbackActorLogic<never>
  // With guards that look at the event alone, and no actions, the chart is explored by itself.
  const chart = downloadMachine.provide({
    actors: { store: never as never, locator: never as never, downloadSession: never as never },
    guards: { isComplete: hinted('whole'), canProgress: hinted('progress'), isStuck: hinted('hopeless') },
    actions: {
      openLedger: idle,
      connect: idle as never,
      askForPieces: idle as never,
      checkPiece: idle as never,
      creditPeer: idle,
      closeSessions: idle as never,
      recordEnding: idle,
    },
  })
  const have = createBitfield(0)
  const events: Hinted[] = [
    { type: 'store.ready', have },
    { type: 'store.there' },
    { type: 'store.failed', ...refusal },
    { type: 'swarm.located', peers: [], hint: 'hopeless' },
    { type: 'swarm.located', peers: [], hint: 'progress' },
    { ...verified(alice, 0), hint: 'whole' },
    { type: 'whole.wrong', pieces: [] },
    { type: 'whole.right' },
    { type: 'file.finished' },
    { type: 'download.pause' },
    { type: 'download.cancel' },
    { type: 'download.suspend' },
    { type: 'store.closed' },
  ]
  const paths = getShortestPaths(chart, {
    input,
    events,
    serializeState: ({ value, context }) => JSON.stringify([value, context.ending]),
  })
  const reached = new Set(paths.map(({ state }) => JSON.stringify(state.value)))
  const states = ['locating', 'transferring', 'stalled'].map(fetching => ({ fetching }))
  const others = ['preparing', 'verifying', 'finishing', 'settling', 'completed', 'paused', 'suspended']
  t.deepEqual(
    [...reached].sort(),
    [...states, ...others, 'cancelled', 'failed'].map(state => JSON.stringify(state)).sort(),
  )
  for (const { state } of paths) {
    if (state.status === 'done') continue
    const onwards = getShortestPaths(chart, {
      fromState: state,
      events,
      serializeState: ({ value, context }) => JSON.stringify([value, context.ending]),
    })
    t.true(
      onwards.some(path => path.state.status === 'done'),
      JSON.stringify(state.value),
    )
  }
})
