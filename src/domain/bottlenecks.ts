// Why a download is not faster, as reasons with numbers and as sentences for a person. Pure: facts in, reasons out, the
// most important first. Says nothing that the facts do not bear out: no reasons means that nothing known holds it up.

import { count, formatRate } from './quantities.ts'

export interface DownloadFacts {
  readonly state: string
  readonly bytesPerSecond: number
  /** Pieces not verified yet. */
  readonly missing: number
  /** Of those, pieces that no connected peer has, and that are not here either. */
  readonly heldByNobody: number
  /** Arrived, and not yet checked and written. */
  readonly checking: number
  readonly store: {
    /** Of the last seconds, 0 to 1: as many pieces waited to be checked and written as may, and no more were asked for. */
    readonly fullShare: number
    /** Most of what a piece takes there is the writing, not the checking. */
    readonly isWritingSlower: boolean
  }
  readonly peers: {
    readonly ready: number
    readonly connecting: number
    readonly busy: number
    readonly relayed: number
  }
  /** Peers that sent a wrong piece: this run asks them for nothing more. */
  readonly dropped: number
  /** Undefined before trackers have said. */
  readonly sharers: { readonly all: number; readonly online: number } | undefined
  /** Peers that are asked for something and say that their own cap on uploads holds it up. */
  readonly limited: readonly {
    readonly user: string
    /** The cap, for all whom it serves together. */
    readonly limit: number
    /** What comes from there. */
    readonly bytesPerSecond: number
  }[]
  readonly areTrackersAway: boolean
  readonly limits: { readonly down: number | null; readonly connections: number | null }
  /** Peers that this device is connected to, over all its downloads. */
  readonly connections: number
  readonly problem: string | undefined
}

export interface Bottleneck {
  readonly code: string
  readonly params: Readonly<Record<string, string | number>>
  readonly sentence: string
}

/** So near its cap, a rate is the cap's. */
const nearCap = 0.85
/** So much of the time full, the store is what holds up the rest. */
const mostlyFull = 0.5

/** Named one by one; of more, how many. */
const mostNamed = 3

const areOf = (n: number) => (n === 1 ? 'is' : 'are')

/** Of one that does not run; undefined of any other. */
export function bottlenecksWhenInactive(state: string, problem: string | undefined): Bottleneck[] | undefined {
  const rest: Record<string, [string, string]> = {
    queued: ['queued', 'It waits for its turn: other downloads of this device run first.'],
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
        : { code: 'checking-part-file', params: {}, sentence: 'What was fetched before is being checked.' },
    ]
  return [...supply(facts), ...limits(facts)]
}

function supply(facts: DownloadFacts): Bottleneck[] {
  const { state, peers, sharers, heldByNobody } = facts
  const waits: Bottleneck[] = []
  if (facts.areTrackersAway)
    waits.push({
      code: 'trackers-away',
      params: {},
      sentence: 'No tracker answers, so no new peers are found; those connected go on.',
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
    waits.push({ code: 'locating', params: {}, sentence: 'It asks the trackers who has the file.' })
  if (peers.ready > 0 && heldByNobody > 0)
    waits.push({
      code: 'pieces-missing',
      params: { pieces: heldByNobody },
      sentence: `Nobody who is connected has ${count(heldByNobody, 'missing piece')}.`,
    })
  if (state === 'stalled' && facts.dropped > 0)
    waits.push({
      code: 'peers-dropped',
      params: { peers: facts.dropped },
      sentence: `${count(facts.dropped, 'peer')} sent wrong pieces and ${areOf(facts.dropped)} asked no more; pausing and resuming it tries again.`,
    })
  if (peers.busy > 0)
    waits.push({
      code: 'waiting-for-turn',
      params: { peers: peers.busy },
      sentence: `${count(peers.busy, 'peer')} ${peers.busy === 1 ? 'serves' : 'serve'} others first, and will call.`,
    })
  if (peers.relayed > 0)
    waits.push({
      code: 'relayed',
      params: { peers: peers.relayed },
      sentence: `${count(peers.relayed, 'peer')} can be reached only through the brokers.`,
    })
  return waits
}

/** "bob is limited to 1 MiB/s, carol to 2 MiB/s" */
function limitedPeers(limited: DownloadFacts['limited']): string {
  const named = limited.slice(0, mostNamed).map(({ user, limit, bytesPerSecond }, index) => {
    const shared = bytesPerSecond < limit * nearCap ? ' for all whom it serves together' : ''
    return `${user} ${index === 0 ? 'is limited ' : ''}to ${formatRate(limit)}${shared}`
  })
  const others = limited.length - named.length
  return others > 0 ? `${named.join(', ')}; so ${areOf(others)} ${count(others, 'other')}` : named.join(', ')
}

function limits({ limits, limited, bytesPerSecond, connections, checking, store, peers }: DownloadFacts): Bottleneck[] {
  const waits: Bottleneck[] = []
  if (limits.down !== null && bytesPerSecond >= limits.down * nearCap)
    waits.unshift({
      code: 'download-limited',
      params: { bytesPerSecond: limits.down },
      sentence: `This device downloads no faster than ${formatRate(limits.down)}: its own limit.`,
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
      sentence: `This device connects to ${count(limits.connections, 'peer')} at most: its own limit.`,
    })
  if (store.fullShare >= mostlyFull)
    waits.push({
      code: store.isWritingSlower ? 'disk' : 'checking',
      params: { pieces: checking, bytesPerSecond: Math.round(bytesPerSecond) },
      sentence: store.isWritingSlower
        ? `The disk is the bottleneck: it takes ${formatRate(bytesPerSecond)}, and ${count(checking, 'piece')} ${areOf(checking)} waiting.`
        : `Checking is the bottleneck: this device checks ${formatRate(bytesPerSecond)}, and ${count(checking, 'piece')} ${areOf(checking)} waiting.`,
    })
  if (waits.length === 0 && peers.ready > 0 && bytesPerSecond > 0 && peers.busy === 0)
    waits.push({
      code: 'peers-slow',
      params: { peers: peers.ready, bytesPerSecond: Math.round(bytesPerSecond) },
      sentence: `It is as fast as ${count(peers.ready, 'peer')} ${peers.ready === 1 ? 'delivers' : 'deliver'}: ${formatRate(bytesPerSecond)}.`,
    })
  return waits
}
