// Why a download is not faster: reasons with numbers, and as sentences for people. Facts in, reasons out, the most important
// first. It claims only what the facts show; no reasons means that nothing known limits the download.

import { count, formatRate } from './quantities.ts'

export interface DownloadFacts {
  readonly state: string
  readonly bytesPerSecond: number
  /** Pieces that are not verified yet. */
  readonly missing: number
  /** Missing pieces that no connected peer has. */
  readonly unavailable: number
  /** Pieces that have arrived and are not yet checked and written. */
  readonly checking: number
  readonly store: {
    /** The share of the last seconds, 0 to 1, in which the store had all the pieces it may have, so no more were requested. */
    readonly fullShare: number
    /** Writing a piece takes longer than checking it. */
    readonly isWritingSlower: boolean
  }
  readonly peers: {
    readonly ready: number
    readonly connecting: number
    readonly busy: number
    readonly relayed: number
  }
  /** Peers that sent a wrong piece. This run requests nothing more from them. */
  readonly dropped: number
  /** Undefined until the trackers have answered. */
  readonly sharers: { readonly all: number; readonly online: number } | undefined
  /** Peers with open requests that say their upload limit is in the way. */
  readonly limited: readonly {
    readonly user: string
    /** Bytes a second, shared by all its peers. */
    readonly limit: number
    /** What it delivers to us. */
    readonly bytesPerSecond: number
  }[]
  readonly areTrackersAway: boolean
  readonly limits: { readonly down: number | null; readonly connections: number | null }
  /** Peers this device is connected to, over all its downloads. */
  readonly connections: number
  readonly problem: string | undefined
}

export interface Bottleneck {
  readonly code: string
  readonly params: Readonly<Record<string, string | number>>
  readonly sentence: string
}

/** From this share of a limit on, the limit is what limits a rate. */
const nearLimit = 0.85
/** From this share of the time on, a full store is what limits a download. */
const mostlyFull = 0.5

/** Limited peers named one by one; the others are counted. */
const mostNamed = 3

const areOf = (n: number) => (n === 1 ? 'is' : 'are')

/** For a download that does not run; undefined for one that does. */
export function bottlenecksWhenInactive(state: string, problem: string | undefined): Bottleneck[] | undefined {
  const rest: Record<string, [string, string]> = {
    queued: ['queued', 'It is queued behind other downloads of this device.'],
    paused: ['paused', 'It is paused.'],
    failed: ['failed', `It failed: ${problem ?? 'see shoal downloads'}.`],
  }
  const resting = rest[state]
  if (resting) return [{ code: resting[0], params: {}, sentence: resting[1] }]
  return state === 'completed' || state === 'cancelled' ? [] : undefined
}

export function bottlenecksOf(facts: DownloadFacts): Bottleneck[] {
  const { state, problem, missing } = facts
  const resting = bottlenecksWhenInactive(state, problem)
  if (resting) return resting
  if (state === 'verifying')
    return [
      missing === 0
        ? { code: 'verifying-whole', params: {}, sentence: 'All pieces are here; the whole file is being checked.' }
        : { code: 'checking-part-file', params: {}, sentence: 'The pieces fetched earlier are being checked.' },
    ]
  return [...supply(facts), ...limits(facts)]
}

function supply(facts: DownloadFacts): Bottleneck[] {
  const { state, peers, sharers, unavailable } = facts
  const waits: Bottleneck[] = []
  if (facts.areTrackersAway)
    waits.push({
      code: 'trackers-away',
      params: {},
      sentence: 'No tracker answers, so no new peers are found. Connected peers continue.',
    })
  const offline = sharers ? sharers.all - sharers.online : 0
  if (sharers && offline > 0)
    waits.push({
      code: 'sharers-offline',
      params: { offline, sharers: sharers.all },
      sentence: `${offline} of ${count(sharers.all, 'sharer')} ${areOf(offline)} offline.`,
    })
  if (peers.ready === 0 && peers.connecting > 0)
    waits.push({ code: 'connecting', params: {}, sentence: `It is connecting to ${count(peers.connecting, 'peer')}.` })
  else if (state === 'locating')
    waits.push({ code: 'locating', params: {}, sentence: 'It is asking the trackers which peers have the file.' })
  if (peers.ready > 0 && unavailable > 0)
    waits.push({
      code: 'pieces-missing',
      params: { pieces: unavailable },
      sentence: `No connected peer has ${count(unavailable, 'missing piece')}.`,
    })
  if (state === 'stalled' && facts.dropped > 0)
    waits.push({
      code: 'peers-dropped',
      params: { peers: facts.dropped },
      sentence: `${count(facts.dropped, 'peer')} sent wrong pieces and ${areOf(facts.dropped)} not used any more. Pause and resume the download to try again.`,
    })
  if (peers.busy > 0)
    waits.push({
      code: 'waiting-for-turn',
      params: { peers: peers.busy },
      sentence: `${count(peers.busy, 'peer')} ${areOf(peers.busy)} serving other peers first.`,
    })
  if (peers.relayed > 0)
    waits.push({
      code: 'relayed',
      params: { peers: peers.relayed },
      sentence: `${count(peers.relayed, 'peer')} can only be reached through the brokers.`,
    })
  return waits
}

/** "bob is limited to 1 MiB/s; carol's upload limit of 2 MiB/s is shared by everyone carol serves" */
function limitedPeers(limited: DownloadFacts['limited']): string {
  const named = limited
    .slice(0, mostNamed)
    .map(({ user, limit, bytesPerSecond }) =>
      bytesPerSecond < limit * nearLimit
        ? `${user}'s upload limit of ${formatRate(limit)} is shared by everyone ${user} serves`
        : `${user} is limited to ${formatRate(limit)}`,
    )
  const others = limited.length - named.length
  return [...named, ...(others > 0 ? [`${count(others, 'other')} ${areOf(others)} limited, too`] : [])].join('; ')
}

function limits({ limits, limited, bytesPerSecond, connections, checking, store, peers }: DownloadFacts): Bottleneck[] {
  const waits: Bottleneck[] = []
  if (limits.down !== null && bytesPerSecond >= limits.down * nearLimit)
    waits.unshift({
      code: 'download-limited',
      params: { bytesPerSecond: limits.down },
      sentence: `This device's download limit is ${formatRate(limits.down)}.`,
    })
  if (limited.length > 0)
    waits.push({
      code: 'peers-limited',
      params: { peers: limited.length },
      sentence: `${limitedPeers(limited)}.`,
    })
  if (limits.connections !== null && connections >= limits.connections)
    waits.push({
      code: 'connections-limited',
      params: { connections: limits.connections },
      sentence: `This device's limit is ${count(limits.connections, 'connection')}.`,
    })
  if (store.fullShare >= mostlyFull)
    waits.push({
      code: store.isWritingSlower ? 'disk' : 'checking',
      params: { pieces: checking, bytesPerSecond: Math.round(bytesPerSecond) },
      sentence: store.isWritingSlower
        ? `The disk is the bottleneck: it writes ${formatRate(bytesPerSecond)}, and ${count(checking, 'piece')} ${areOf(checking)} waiting.`
        : `Checking is the bottleneck: this device checks ${formatRate(bytesPerSecond)}, and ${count(checking, 'piece')} ${areOf(checking)} waiting.`,
    })
  if (waits.length === 0 && peers.ready > 0 && bytesPerSecond > 0 && peers.busy === 0)
    waits.push({
      code: 'peers-slow',
      params: { peers: peers.ready, bytesPerSecond: Math.round(bytesPerSecond) },
      sentence: `${count(peers.ready, 'connected peer')} ${peers.ready === 1 ? 'delivers' : 'deliver'} ${formatRate(bytesPerSecond)}.`,
    })
  return waits
}
