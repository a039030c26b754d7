import test from 'ava'
import { bottlenecksOf, type DownloadFacts } from '../../src/domain/bottlenecks.ts'

const MB = 2 ** 20
const fine: DownloadFacts = {
  state: 'downloading',
  bytesPerSecond: 5 * MB,
  missing: 10,
  unavailable: 0,
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
    "This device's download limit is 5 MiB/s.",
  ],
  [
    'a peer is at its limit',
    { limited: [{ user: 'bob', limit: MB, bytesPerSecond: 0.9 * MB }] },
    'peers-limited',
    'bob is limited to 1 MiB/s.',
  ],
  [
    'peers are limited, and one serves others as well',
    {
      limited: [
        { user: 'bob', limit: MB, bytesPerSecond: MB },
        { user: 'carol', limit: 2 * MB, bytesPerSecond: 0.2 * MB },
      ],
    },
    'peers-limited',
    "bob is limited to 1 MiB/s; carol's upload limit of 2 MiB/s is shared by everyone carol serves.",
  ],
  [
    'many peers are limited',
    { limited: ['a', 'b', 'c', 'd', 'e'].map(user => ({ user, limit: MB, bytesPerSecond: MB })) },
    'peers-limited',
    'a is limited to 1 MiB/s; b is limited to 1 MiB/s; c is limited to 1 MiB/s; 2 others are limited, too.',
  ],
  [
    'connections are limited',
    { limits: { down: null, connections: 3 } },
    'connections-limited',
    "This device's limit is 3 connections.",
  ],
  [
    'pieces wait for the disk',
    { checking: 30, store: { fullShare: 0.8, isWritingSlower: true } },
    'disk',
    'The disk is the bottleneck: it writes 5 MiB/s, and 30 pieces are waiting.',
  ],
  [
    'pieces wait to be checked',
    { checking: 1, store: { fullShare: 0.8, isWritingSlower: false } },
    'checking',
    'Checking is the bottleneck: this device checks 5 MiB/s, and 1 piece is waiting.',
  ],
  ['peers serve others', peers({ busy: 2 }), 'waiting-for-turn', '2 peers are serving other peers first.'],
  ['no peer has a piece', { unavailable: 1 }, 'pieces-missing', 'No connected peer has 1 missing piece.'],
  [
    'the only peer sent wrong pieces',
    { state: 'stalled', dropped: 1, ...peers({ ready: 0 }) },
    'peers-dropped',
    '1 peer sent wrong pieces and is not used any more. Pause and resume the download to try again.',
  ],
  ['it connects', peers({ ready: 0, connecting: 2 }), 'connecting', 'It is connecting to 2 peers.'],
  ['a peer is relayed', peers({ relayed: 1 }), 'relayed', '1 peer can only be reached through the brokers.'],
  ['nothing else limits it', {}, 'peers-slow', '3 connected peers deliver 5 MiB/s.'],
  ['it is paused', { state: 'paused' }, 'paused', 'It is paused.'],
  [
    'the whole file is checked',
    { state: 'verifying', missing: 0 },
    'verifying-whole',
    'All pieces are here; the whole file is being checked.',
  ],
]
for (const [when, facts, code, sentence] of table)
  test(`When ${when}, the reason reads: ${sentence}`, t => {
    const [first] = bottlenecksOf({ ...fine, ...facts }).filter(wait => wait.code === code)
    t.is(first?.sentence, sentence)
  })

test('Only limiting factors are mentioned, and none for a completed download.', t => {
  t.deepEqual(
    bottlenecksOf(fine).map(({ code }) => code),
    ['peers-slow'],
  )
  t.deepEqual(
    bottlenecksOf({ ...fine, dropped: 1 }).map(({ code }) => code),
    ['peers-slow'],
    'the other peers make up for it',
  )
  t.deepEqual(bottlenecksOf({ ...fine, state: 'completed' }), [])
  const slow = bottlenecksOf({ ...fine, bytesPerSecond: MB, limits: { down: 5 * MB, connections: 4 }, checking: 3 })
  t.deepEqual(
    slow.map(({ code }) => code),
    ['peers-slow'],
  )
})
