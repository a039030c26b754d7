// The fetching side of one connection to one peer: proves itself, hears what the peer has, asks for blocks as far ahead
// as the peer delivers, and gathers them into pieces. Ends by exactly one `connection.ended`. Holds no more than the
// pieces wanted of it, whatever the peer sends.

import type { Duplex } from 'node:stream'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { pieceCount, pieceSize } from '../../domain/manifest.ts'
import type {
  PeerConnectionCommand,
  PeerConnectionEvent,
  PeerConnectionInput,
} from '../../machines/download-session.ts'
import { createFrameDecoder } from '../../wire/frame-decoder.ts'
import { type Block, encodeFrame, type Frame, FrameError, type RefusalReason } from '../../wire/frames.ts'
import { createBlockRequests } from './block-requests.ts'
import type { BufferPool } from './buffer-pool.ts'
import { type ConnectionCap, createConnectionCap } from './connection-cap.ts'
import { blocksAhead, createDeliveryRate, piecesAhead } from './delivery-rate.ts'
import { createThrottle, type Throttle } from './throttle.ts'
import { describeFailure, secureAsFetcher } from './tls.ts'

export interface PeerConnectionNeeds {
  readonly me: DeviceRef
  /** Opens a relayed channel; what fails about it shows as an error of the stream. */
  connectRelay(to: DeviceRef): Duplex
  /** Where pieces are gathered; whoever gets a piece gives its buffer back when it is done with it. */
  readonly buffers: BufferPool
  /** This device's caps, over all downloads; none when left out. */
  readonly fetching?: Throttle
  readonly connections?: ConnectionCap
  readonly silentAfterMs?: number
}

const tooMany = 'as many peers are connected as this device may have'

/** A rate is news when it differs from the last one told by this factor. */
const notableChange = 1.25
const isNotable = (before: number | undefined, now: number | undefined) =>
  before === undefined || now === undefined
    ? before !== now
    : now > before * notableChange || now * notableChange < before

export function createPeerConnection(
  needs: PeerConnectionNeeds,
): CallbackActorLogic<PeerConnectionCommand, PeerConnectionInput> {
  const { me, connectRelay, buffers, silentAfterMs = peerTunables.silentAfterMs } = needs
  const { fetching = createThrottle(), connections = createConnectionCap() } = needs

  return fromCallback<PeerConnectionCommand, PeerConnectionInput>(({ input, sendBack, receive }) => {
    const { peer, share, via, shape } = input
    const tell = (event: PeerConnectionEvent) => sendBack(event)
    const leave = connections.enter(share, () => end(tooMany, false))
    if (!leave) return tell({ type: 'connection.ended', reason: tooMany, final: false })
    const requests = createBlockRequests(shape, buffers)
    const rate = createDeliveryRate()
    let have: Bitfield | undefined
    let secured = false
    let refusals = 0
    let declines = 0
    /** It was busy, and has not called since. */
    let mayCall = false
    let isFreshNews = false
    let limitsHeard = 0
    /** When it was first asked for something, or last brought `peerTunables.leastBytes` or the end of a block. */
    let deliveredAt = 0
    let bytesSinceDelivered = 0
    let unmeasuredBytes = 0
    let told: { readonly pieces: number; readonly bytesPerSecond: number | undefined } | undefined
    /** Under a cap: waits for its turn; the piece it asked for last is not asked for whole. */
    let isInLine = false
    let isBegun = false
    let ended = false
    let failure: Error | undefined

    const onBytes = (bytes: Buffer) => {
      try {
        decoder.write(bytes)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        end(`it broke the protocol: ${error.message}`, true)
      }
    }
    const socket = secureAsFetcher(via === 'direct' ? peer : connectRelay(peer), peer.ticket, onBytes)

    const end = (reason: string, final: boolean) => {
      if (ended) return
      ended = true
      decoder.stop()
      clearInterval(watch)
      leave()
      socket.destroy()
      tell({ type: 'connection.ended', reason, final })
    }

    const tellCapacity = () => {
      const { bytesPerSecond } = rate
      const pieces = piecesAhead(bytesPerSecond ?? 0, shape)
      if (told && pieces === told.pieces && !isNotable(told.bytesPerSecond, bytesPerSecond)) return
      told = { pieces, bytesPerSecond }
      tell({ type: 'capacity.measured', ...told })
    }

    const measure = (now: number) => {
      rate.delivered(unmeasuredBytes, now, requests.outstanding === 0)
      unmeasuredBytes = 0
    }

    const noteDelivered = (now: number) => {
      deliveredAt = now
      bytesSinceDelivered = 0
    }

    const ask = () => {
      const most = blocksAhead(rate.bytesPerSecond ?? 0) - requests.outstanding
      if (fetching.isCapped) askInTurn(most)
      else request(requests.next(most))
    }

    /** A block at a time: what waits here is not outstanding, so no peer looks silent for it. */
    const askInTurn = (most: number) => {
      if (isInLine || most <= 0) return
      isInLine = true
      fetching.claim({
        key: share,
        isBegun,
        use() {
          isInLine = false
          const [block] = ended ? [] : requests.next(1)
          if (!block) return 0
          isBegun = block.offset + block.length < pieceSize(shape, block.piece)
          request([block])
          ask()
          return block.length
        },
      })
    }

    const request = (blocks: readonly Block[]) => {
      if (blocks.length === 0) return
      const now = performance.now()
      if (requests.outstanding === blocks.length) noteDelivered(now)
      rate.began(now)
      socket.write(Buffer.concat(blocks.map(block => encodeFrame({ type: 'request', ...block }))))
    }

    const onRefused = (piece: number, offset: number, why: RefusalReason) => {
      const wanted = requests.refused(piece, offset)
      isFreshNews = false
      if (why === 'busy') mayCall = true
      measure(performance.now())
      if (wanted) {
        // Declining a piece once, and being busy, is everybody's right.
        if (why === 'gone') refusals += 1
        if (why === 'declined') declines += 1
        if (refusals > peerTunables.maxRefusals || declines > pieceCount(shape))
          return end('it refuses what it says it has', false)
        drop(piece)
        tell({ type: 'piece.refused', piece, why, reason: `the peer says: ${why}` })
      }
      ask()
    }

    const drop = (piece: number) => {
      for (const block of requests.unwant(piece)) socket.write(encodeFrame({ type: 'cancel', ...block }))
    }

    /** Of use once a piece: whoever goes on about it only costs time. */
    const onHave = (known: Bitfield, piece: number) => {
      if (!known.add(piece)) throw new FrameError(`piece ${piece} announced twice`)
      tell({ type: 'have.received', piece })
    }

    const onCall = () => {
      if (!mayCall) throw new FrameError('a call that nobody waits for')
      mayCall = false
      isFreshNews = false
      tell({ type: 'unchoke.received' })
    }

    /** Comes before a call or a refusal, and costs a look at every piece. */
    const onFresh = (fresh: Bitfield) => {
      if (isFreshNews) throw new FrameError('the same news twice')
      isFreshNews = true
      tell({ type: 'fresh.received', fresh })
    }

    /** Set by a person's hand: seldom. */
    const onLimit = (bytesPerSecond: number) => {
      limitsHeard += 1
      if (limitsHeard > uploadTunables.limitsTold) throw new FrameError('a limit that changes all the time')
      tell({ type: 'limit.received', bytesPerSecond })
    }

    const onFrame = (frame: Frame) => {
      if (frame.type === 'bye') return end(frame.reason, !frame.retry)
      if (frame.type === 'bitfield') {
        if (have) throw new FrameError('a second bitfield')
        have = frame.have
        tell({ type: 'bitfield.received', have })
        return tellCapacity()
      }
      if (!have) throw new FrameError(`${frame.type} before the bitfield`)
      if (frame.type === 'have') onHave(have, frame.piece)
      if (frame.type === 'refused') onRefused(frame.piece, frame.offset, frame.why)
      if (frame.type === 'call') onCall()
      if (frame.type === 'fresh') onFresh(frame.have)
      if (frame.type === 'limit') onLimit(frame.bytesPerSecond)
    }

    const decoder = createFrameDecoder(
      ['bitfield', 'have', 'block', 'refused', 'call', 'fresh', 'limit', 'bye'],
      shape,
      {
        onFrame,
        blockTarget: block => requests.target(block),
        onBlockBytes: count => {
          unmeasuredBytes += count
          bytesSinceDelivered += count
          if (bytesSinceDelivered >= peerTunables.leastBytes) noteDelivered(performance.now())
        },
        onBlock: block => {
          const half = pieceSize(shape, block.piece) / 2
          if (block.offset < half && block.offset + block.length >= half)
            socket.write(encodeFrame({ type: 'taken', piece: block.piece }))
          const whole = requests.arrived(block)
          const now = performance.now()
          noteDelivered(now)
          measure(now)
          if (whole) tell({ type: 'piece.gathered', ...whole })
          tellCapacity()
          ask()
        },
      },
    )

    socket.once('secureConnect', () => {
      secured = true
      socket.write(encodeFrame({ type: 'hello', holder: me }))
      tell({ type: 'connection.secured' })
    })
    socket.on('error', error => {
      failure = error
    })
    socket.on('close', () => {
      const { reason, refused } = failure ? describeFailure(failure) : { reason: 'it hung up', refused: false }
      // Once secured, a TLS error is no word about our ticket: something on the way has altered what was sent.
      if (secured && refused) end('what it sent was damaged on the way', false)
      else end(reason, refused)
    })

    // Many pieces share one clock: the watch runs while connected, and looks whether anything is overdue. A peer that
    // dawdles over a block is measured meanwhile: the download is to know in time to ask somebody quicker.
    const watch = setInterval(() => {
      if (requests.outstanding === 0) return
      const now = performance.now()
      if (now - deliveredAt > silentAfterMs) return end('it has gone silent, or nearly so', false)
      measure(now)
      tellCapacity()
    }, silentAfterMs / 10)

    receive(command => {
      if (ended) return
      if (command.type === 'unchoke.passed') return socket.write(encodeFrame({ type: 'pass' }))
      if (command.type === 'piece.unwanted') drop(command.piece)
      else requests.want(command.piece)
      ask()
    })

    return () => {
      if (ended) return
      ended = true
      decoder.stop()
      clearInterval(watch)
      leave()
      socket.destroy()
    }
  })
}
