import test from 'ava'
import { bottlenecksOf, type DownloadFacts } from '../../src/domain/bottlenecks.ts'

const MB = 2 ** 20
const fine: DownloadFacts = {
  state: 'downloading',
  bytesPerSecond: 5 * MB,
  missing: 10,
  heldByNobody: 0,
  checking: 0,
  store: { fullShare: 0.1, isWritingSlower: true },
  peers: { ready: 3, connecting: 0, busy: 0, relayed: 0 },
  dropped: 0,
  limited: [],
  sharers: { all: 3, online: 3 },
  areTrackersAway: false,
  limits: { down: null, connections: null },
  connections: 3,
  problem: undefined,
}
const peers = (change: Partial<DownloadFacts['peers']>) => ({ peers: { ...fine.peers, ...change } })

const table: [string, Partial<DownloadFacts>, string, string][] = [
  ['sharers are offline', { sharers: { all: 3, online: 1 } }, 'sharers-offline', '2 of 3 sharers are offline.'],
  ['the only sharer is', { sharers: { all: 1, online: 0 } }, 'sharers-offline', '1 of 1 sharer is offline.'],
  [
    'it is at its own limit',
    { limits: { down: 5 * MB, connections: null } },
    'download-limited',
    'This device downloads no faster than 5 MiB/s: its own limit.',
  ],
  [
    'a peer is at its limit',
    { limited: [{ user: 'bob', limit: MB, bytesPerSecond: 0.9 * MB }] },
    'peers-limited',
    'bob is limited to 1 MiB/s.',
  ],
  [
    'peers are limited, and one serves others, too',
    {
      limited: [
        { user: 'bob', limit: MB, bytesPerSecond: MB },
        { user: 'carol', limit: 2 * MB, bytesPerSecond: 0.2 * MB },
      ],
    },
    'peers-limited',
    'bob is limited to 1 MiB/s, carol to 2 MiB/s for all whom it serves together.',
  ],
  [
    'many peers are limited',
    { limited: ['a', 'b', 'c', 'd', 'e'].map(user => ({ user, limit: MB, bytesPerSecond: MB })) },
    'peers-limited',
    'a is limited to 1 MiB/s, b to 1 MiB/s, c to 1 MiB/s; so are 2 others.',
  ],
  [
    'connections are limited',
    { limits: { down: null, connections: 3 } },
    'connections-limited',
    'This device connects to 3 peers at most: its own limit.',
  ],
  [
    'pieces pile up before the disk',
    { checking: 30, store: { fullShare: 0.8, isWritingSlower: true } },
    'disk',
    'The disk is the bottleneck: it takes 5 MiB/s, and 30 pieces are waiting.',
  ],
  [
    'pieces pile up to be checked',
    { checking: 1, store: { fullShare: 0.8, isWritingSlower: false } },
    'checking',
    'Checking is the bottleneck: this device checks 5 MiB/s, and 1 piece is waiting.',
  ],
  ['peers serve others', peers({ busy: 2 }), 'waiting-for-turn', '2 peers serve others first, and will call.'],
  ['a piece is nowhere', { heldByNobody: 1 }, 'pieces-missing', 'Nobody who is connected has 1 missing piece.'],
  [
    'whoever has it sent wrong pieces',
    { state: 'stalled', dropped: 1, ...peers({ ready: 0 }) },
    'peers-dropped',
    '1 peer sent wrong pieces and is asked no more; pausing and resuming it tries again.',
  ],
  ['it connects', peers({ ready: 0, connecting: 2 }), 'connecting', 'It is connecting to 2 peers.'],
  ['a peer is relayed', peers({ relayed: 1 }), 'relayed', '1 peer can be reached only through the brokers.'],
  ['nothing else holds it up', {}, 'peers-slow', 'It is as fast as 3 peers deliver: 5 MiB/s.'],
  ['it is paused', { state: 'paused' }, 'paused', 'It is paused.'],
  [
    'the whole is checked',
    { state: 'verifying', missing: 0 },
    'verifying-whole',
    'All pieces are here; the whole file is being checked.',
  ],
]
for (const [when, facts, code, sentence] of table)
  test(`When ${when}, it says so: ${sentence}`, t => {
    const [first] = bottlenecksOf({ ...fine, ...facts }).filter(wait => wait.code === code)
    t.is(first?.sentence, sentence)
  })

test('What does not hold it up is not said, and at its end nothing is.', t => {
  t.deepEqual(
    bottlenecksOf(fine).map(({ code }) => code),
    ['peers-slow'],
  )
  t.deepEqual(
    bottlenecksOf({ ...fine, dropped: 1 }).map(({ code }) => code),
    ['peers-slow'],
    'one that is got on without',
  )
  t.deepEqual(bottlenecksOf({ ...fine, state: 'completed' }), [])
  const slow = bottlenecksOf({ ...fine, bytesPerSecond: MB, limits: { down: 5 * MB, connections: 4 }, checking: 3 })
  t.deepEqual(
    slow.map(({ code }) => code),
    ['peers-slow'],
  )
})
