// A swarm in virtual time, without sockets: every peer runs the real picker (src/domain/piece-picker.ts), request window
// and choker; only the network is a model. Blocks leave through the sender's line one at a time, in rotation over its
// sessions, travel, and arrive through the receiver's line one at a time. A sender has at most `windowBlocks` of a piece
// under way, so a congested receiver slows only its own flows. Each block passes two queues, as in store-and-forward
// networks, which keeps every line busy that can be; nothing is lost on the way.

import { downloadTunables, peerTunables, uploadTunables } from '../../config/swarm.ts'
import { createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { type Choker, createChoker, type SlotSettings } from '../../src/domain/choker.ts'
import { createPiecePicker } from '../../src/domain/piece-picker.ts'
import type { PiecePicker } from '../../src/domain/piece-picker-protocol.ts'
import { createRequestWindow, type RequestWindow } from '../../src/domain/request-window.ts'
import { createEventQueue } from './event-queue.ts'

export type Behaviour =
  | 'honest'
  /** Takes requests and never answers. */
  | 'stalls'
  /** Answers with bytes that are not the piece. */
  | 'garbage'

export interface PeerSpec {
  readonly upBytesPerMs: number
  readonly downBytesPerMs: number
  readonly isSeed?: boolean
  readonly behaviour?: Behaviour
  readonly joinsAtMs?: number
  /** Leaves this long after it has everything; undefined: stays. */
  readonly leavesAfterMs?: number
}

export interface SwarmSpec {
  readonly peers: readonly PeerSpec[]
  readonly pieceCount: number
  readonly pieceBytes: number
  readonly latencyMs: number
  readonly random: () => number
  readonly blocksPerPiece?: number
  /** Instead of the value in config/swarm.ts. */
  readonly slots?: SlotSettings
}

export interface SwarmResult {
  /** When each leecher had everything (ms), in the order of `peers`; undefined: seeds, hostile peers, or never. */
  readonly doneAtMs: readonly (number | undefined)[]
  readonly uploadedBytes: readonly number[]
  /** Bytes that arrived in vain: duplicates and garbage. */
  readonly wastedBytes: number
  readonly usefulBytes: number
  readonly declines: number
}

interface Flow {
  readonly link: Link
  readonly piece: number
  blocksToSend: number
  blocksToArrive: number
  cancelled: boolean
}

interface Link {
  readonly from: Peer
  readonly to: Peer
  isOpen: boolean
  /** The blocks being served over it, in order. */
  readonly flows: Flow[]
  blocksUnderWay: number
}

interface Peer {
  readonly id: string
  readonly spec: PeerSpec
  readonly have: ReturnType<typeof createBitfield>
  readonly picker: PiecePicker
  readonly window: RequestWindow
  readonly choker: Choker
  /** By the other peer's id: the peers it fetches from, and those that fetch from it. */
  readonly servers: Map<string, Link>
  readonly fetchers: Map<string, Link>
  /** Sessions with something to send, in rotation. */
  readonly sending: Link[]
  isSending: boolean
  /** Plans what follows once a block has left through its line. */
  readonly afterSending: (happen: () => void) => void
  lineFreeAtMs: number
  wakeAtMs: number
  uploaded: number
  doneAtMs: number | undefined
  hasLeft: boolean
}

const windowBlocks = 4

export function simulateSwarm(spec: SwarmSpec): SwarmResult {
  const { pieceCount, pieceBytes, latencyMs, random, blocksPerPiece = 4, slots = uploadTunables } = spec
  const queue = createEventQueue()
  const afterLatency = queue.lane(latencyMs)
  const blockBytes = pieceBytes / blocksPerPiece
  let wastedBytes = 0
  let usefulBytes = 0
  let declines = 0
  let unfinished = 0

  const isHonest = (peer: Peer) => (peer.spec.behaviour ?? 'honest') === 'honest'

  const peers = spec.peers.map((peerSpec, index): Peer => {
    const claimsAll = peerSpec.isSeed === true || (peerSpec.behaviour ?? 'honest') !== 'honest'
    const have = claimsAll ? fullBitfield(pieceCount) : createBitfield(pieceCount)
    return {
      id: `${index}`,
      spec: peerSpec,
      have,
      picker: createPiecePicker({ verified: have, random }),
      window: createRequestWindow({
        pieceLength: pieceBytes,
        aheadMs: downloadTunables.aheadMs,
        leastPieces: downloadTunables.leastPiecesInFlight,
        mostPieces: Math.max(4, Math.floor(downloadTunables.maxUnwrittenBytes / pieceBytes)),
      }),
      choker: createChoker(slots),
      servers: new Map(),
      fetchers: new Map(),
      sending: [],
      isSending: false,
      afterSending: queue.lane(blockBytes / peerSpec.upBytesPerMs),
      lineFreeAtMs: 0,
      wakeAtMs: Number.POSITIVE_INFINITY,
      uploaded: 0,
      doneAtMs: undefined,
      hasLeft: false,
    }
  })
  const present: Peer[] = []

  // The serving side.
  /** The next block of the next session that may send one; a session sends one piece after another, as over a socket. */
  const sendNext = (server: Peer) => {
    if (server.isSending) return
    for (let tried = server.sending.length; tried > 0; tried -= 1) {
      const link = server.sending.shift()!
      while (link.flows[0] && (link.flows[0].cancelled || !link.isOpen)) link.flows.shift()
      const flow = link.flows[0]
      if (!flow) continue
      server.sending.push(link)
      if (link.blocksUnderWay >= windowBlocks) continue
      flow.blocksToSend -= 1
      link.blocksUnderWay += 1
      if (flow.blocksToSend === 0) link.flows.shift()
      server.isSending = true
      const sendMs = blockBytes / server.spec.upBytesPerMs
      server.afterSending(() => {
        server.isSending = false
        server.uploaded += blockBytes
        travel(flow, sendMs)
        sendNext(server)
      })
      return
    }
  }
  const travel = (flow: Flow, sendMs: number) => {
    const fetcher = flow.link.from
    const takeMs = blockBytes / fetcher.spec.downBytesPerMs
    const atMs = Math.max(queue.nowMs + latencyMs + Math.max(0, takeMs - sendMs), fetcher.lineFreeAtMs + takeMs)
    fetcher.lineFreeAtMs = atMs
    queue.after(atMs - queue.nowMs, () => arrive(flow))
  }
  const serve = (link: Link, piece: number) => {
    const server = link.to
    const answer = server.choker.asked(link.from.id, piece, queue.nowMs)
    if (answer === 'busy') {
      tell(link, fetcher => {
        fetcher.picker.busy(server.id, piece)
        ask(fetcher)
      })
    } else if (answer === 'declined') {
      declines += 1
      tellFresh(link)
      tell(link, fetcher => {
        fetcher.picker.declined(server.id, piece)
        const request = fetcher.picker.unchoked(server.id, true, queue.nowMs)
        if (request) sendRequest(link, request.piece)
        else pass(link)
      })
    }
    giveTurns(server)
  }
  const tellFresh = (link: Link) => {
    const fresh = link.to.spec.isSeed && link.to.choker.freshOf(link.from.id)
    if (!fresh) return
    const copy = createBitfield(pieceCount, fresh.toBytes())
    tell(link, fetcher => fetcher.picker.setFresh(link.to.id, copy))
  }
  const giveTurns = (server: Peer) => {
    if (server.hasLeft) return
    for (const step of server.choker.next(queue.nowMs)) {
      const link = server.fetchers.get(step.session)!
      if (step.type === 'serve') {
        if (server.spec.behaviour === 'stalls') continue
        const { piece } = step
        const flow = { link, piece, blocksToSend: blocksPerPiece, blocksToArrive: blocksPerPiece }
        link.flows.push({ ...flow, cancelled: false })
        if (!server.sending.includes(link)) server.sending.push(link)
        sendNext(server)
        continue
      }
      tellFresh(link)
      tell(link, fetcher => {
        const { picker, window } = fetcher
        const hasRoom = picker.inFlightSince(queue.nowMs - downloadTunables.slowPieceMs) < 2 * window.pieces
        const request = picker.unchoked(server.id, hasRoom, queue.nowMs)
        if (request) sendRequest(link, request.piece)
        else pass(link)
      })
    }
    const wakeAtMs = server.choker.wakeAtMs(queue.nowMs)
    if (wakeAtMs === undefined || wakeAtMs >= server.wakeAtMs) return
    server.wakeAtMs = wakeAtMs
    queue.after(wakeAtMs - queue.nowMs + 1, () => {
      server.wakeAtMs = Number.POSITIVE_INFINITY
      giveTurns(server)
    })
  }
  const tell = (link: Link, what: (fetcher: Peer) => void) =>
    afterLatency(() => {
      if (link.isOpen) what(link.from)
    })
  const settle = (link: Link, piece: number) =>
    afterLatency(() => {
      if (!link.isOpen) return
      link.to.choker.settled(link.from.id, piece, queue.nowMs)
      giveTurns(link.to)
    })

  // The fetching side.
  const ask = (fetcher: Peer) => {
    const { picker, window } = fetcher
    if (!picker.mayAssign) return
    const room = window.pieces - picker.inFlightSince(queue.nowMs - downloadTunables.slowPieceMs)
    if (room <= 0) return
    for (const { peer, piece } of picker.assign(room, queue.nowMs)) sendRequest(fetcher.servers.get(peer)!, piece)
  }
  const sendRequest = (link: Link, piece: number) => {
    afterLatency(() => {
      if (link.isOpen) serve(link, piece)
    })
    if (link.to.spec.behaviour !== 'stalls') return
    // Like real sessions: measures slow peers, and gives up silent ones.
    queue.after(1_000, () => link.from.picker.setCapacity(link.to.id, 1, 0))
    queue.after(peerTunables.silentAfterMs, () => closeLink(link))
  }
  const pass = (link: Link) =>
    afterLatency(() => {
      if (!link.isOpen) return
      link.to.choker.passed(link.from.id, queue.nowMs)
      giveTurns(link.to)
    })
  const cancel = (link: Link, piece: number) => {
    afterLatency(() => {
      for (const flow of link.flows) if (flow.piece === piece) flow.cancelled = true
    })
    settle(link, piece)
  }
  const arrive = (flow: Flow) => {
    const { link, piece } = flow
    link.blocksUnderWay -= 1
    flow.blocksToArrive -= 1
    sendNext(link.to)
    if (!link.isOpen) return
    const fetcher = link.from
    if (!fetcher.picker.isInFlightAt(link.to.id, piece)) {
      wastedBytes += blockBytes
      return
    }
    if (flow.blocksToArrive === blocksPerPiece / 2) settle(link, piece)
    if (flow.blocksToArrive > 0) return
    const { unwanted } = fetcher.picker.received(link.to.id, piece)
    for (const other of unwanted) cancel(fetcher.servers.get(other)!, piece)
    fetcher.window.received(pieceBytes, queue.nowMs)
    if (isHonest(link.to)) {
      usefulBytes += pieceBytes
      fetcher.picker.verified(piece)
      obtain(fetcher, piece)
    } else {
      wastedBytes += pieceBytes
      fetcher.picker.rejected(link.to.id, piece)
      closeLink(link)
    }
    ask(fetcher)
  }
  const obtain = (peer: Peer, piece: number) => {
    peer.have.add(piece)
    afterLatency(() => {
      for (const { from } of peer.fetchers.values()) {
        from.picker.peerHas(peer.id, piece)
        ask(from)
      }
    })
    if (!peer.have.isFull()) return
    peer.doneAtMs = queue.nowMs
    unfinished -= 1
    for (const link of peer.servers.values()) closeLink(link)
    if (peer.spec.leavesAfterMs !== undefined) queue.after(peer.spec.leavesAfterMs, () => leave(peer))
  }

  // Joining and leaving.
  const openLink = (from: Peer, to: Peer) => {
    if (
      from.servers.has(to.id) ||
      from.servers.size >= downloadTunables.maxPeers ||
      to.fetchers.size >= uploadTunables.maxSessions
    )
      return
    const link: Link = { from, to, isOpen: true, flows: [], blocksUnderWay: 0 }
    from.servers.set(to.id, link)
    to.fetchers.set(from.id, link)
    to.choker.opened(from.id, 'share', to.spec.isSeed ? to.have : createBitfield(pieceCount))
    from.picker.peerJoined(to.id, to.have)
    from.picker.setCapacity(to.id, 2)
  }
  const closeLink = (link: Link) => {
    if (!link.isOpen) return
    link.isOpen = false
    link.from.servers.delete(link.to.id)
    link.to.fetchers.delete(link.from.id)
    link.from.picker.peerLeft(link.to.id)
    link.to.choker.closed(link.from.id)
    giveTurns(link.to)
    if (link.from.doneAtMs === undefined) ask(link.from)
  }
  /** As src/machines/download.ts does for a peer that fetches from it. */
  const makeRoom = (peer: Peer) => {
    const isIdle = ({ to }: Link) => !to.have.isFull() && peer.picker.inFlightAt(to.id).length === 0
    const idle = [...peer.servers.values()].filter(isIdle)
    if (idle.length > 0) closeLink(idle[Math.floor(random() * idle.length)]!)
  }
  const leave = (peer: Peer) => {
    peer.hasLeft = true
    present.splice(present.indexOf(peer), 1)
    for (const link of [...peer.servers.values(), ...peer.fetchers.values()]) closeLink(link)
  }
  const join = (peer: Peer) => {
    const isLeecher = !peer.have.isFull()
    const seeds = present.filter(other => other.have.isFull())
    const others = present.filter(other => !other.have.isFull())
    const some = (list: Peer[], count: number) => {
      for (let at = 0; at < Math.min(count, list.length); at += 1) {
        const from = at + Math.floor(random() * (list.length - at))
        ;[list[at], list[from]] = [list[from]!, list[at]!]
      }
      return list.slice(0, count)
    }
    const met = isLeecher
      ? [...some(seeds, downloadTunables.maxPeers / 2), ...some(others, downloadTunables.maxPeers)]
      : some(others, uploadTunables.maxSessions)
    for (const other of met) {
      if (isLeecher) openLink(peer, other)
      if (other.have.isFull()) continue
      if (other.servers.size >= downloadTunables.maxPeers) makeRoom(other)
      openLink(other, peer)
    }
    present.push(peer)
    if (isLeecher) ask(peer)
    for (const { from } of peer.fetchers.values()) ask(from)
  }
  for (const peer of peers) {
    if (!peer.have.isFull()) unfinished += 1
    queue.after(peer.spec.joinsAtMs ?? 0, () => join(peer))
  }
  while (unfinished > 0 && queue.step()) {}

  return {
    doneAtMs: peers.map(peer => (peer.spec.isSeed ? undefined : peer.doneAtMs)),
    uploadedBytes: peers.map(peer => peer.uploaded),
    wastedBytes,
    usefulBytes,
    declines,
  }
}
