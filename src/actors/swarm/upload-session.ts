// One peer being served: says what there is, answers each request once, and reads the next block from its offer only
// when the socket has drained. A piece is asked for by its first block; when it is served, or that it is not now, is for
// the turns of the whole device to say (upload-slots.ts), and blocks of a piece being served follow at once, in order.
// One read at a time, so that no peer's queue holds up another's.
// Holds no more than `uploadTunables.highWaterBytes` and one read for a peer, however slowly it takes them.

import type { TLSSocket } from 'node:tls'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createBitfield } from '../../domain/bitfield.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import type { UploadSessionCommand, UploadSessionEvent, UploadSessionInput } from '../../machines/uploads-protocol.ts'
import { totalBytes } from '../../storage/read-fully.ts'
import { createFrameDecoder } from '../../wire/frame-decoder.ts'
import {
  type Block,
  blockHeaderBytes,
  encodeBlockHeader,
  encodeFrame,
  FrameError,
  type RefusalReason,
  speaksLimits,
} from '../../wire/frames.ts'
import { createBlockQueue, mostBlocksOfARead } from './block-queue.ts'
import { createBufferPool } from './buffer-pool.ts'
import { createRequestQuota } from './request-quota.ts'
import { createThrottle, inTurn, type Throttle } from './throttle.ts'
import { cutOff } from './tls.ts'
import type { UploadSlots } from './upload-slots.ts'

const slotBytes = blockHeaderBytes + peerTunables.blockBytes

/**
 * A run as it goes out, each block behind its header, and where the file's bytes go in it. In one stretch of memory, for
 * several would be copied together before they are encrypted.
 */
function layOut(run: readonly Block[], lent: Buffer): { readonly wire: Buffer; readonly targets: readonly Buffer[] } {
  let end = 0
  const targets = run.map(block => {
    encodeBlockHeader(block, lent.subarray(end))
    const start = end + blockHeaderBytes
    end = start + block.length
    return lent.subarray(start, end)
  })
  return { wire: lent.subarray(0, end), targets }
}

/** `take` hands over the connection of a guest. */
export function createUploadSession(
  take: (id: string) => TLSSocket,
  turns: UploadSlots,
  idleAfterMs: number = uploadTunables.idleAfterMs,
  throttle: Throttle = createThrottle(),
): CallbackActorLogic<UploadSessionCommand, UploadSessionInput> {
  const buffers = createBufferPool(uploadTunables.keptReadBytes)
  return fromCallback<UploadSessionCommand, UploadSessionInput>(({ input, sendBack, receive }) => {
    const socket = take(input.guest.id)
    const tell = (event: UploadSessionEvent) => sendBack(event)
    const { id, ticket } = input.guest
    let offer: Offer = input.offer
    /** What the peer has been told we have. */
    const told = createBitfield(offer.have.length, offer.have.toBytes())
    const queue = createBlockQueue(offer.manifest)
    const conduct = createRequestQuota()
    let reading = false
    let leaving = false
    let uncounted = 0
    /** The cap that the peer has been told of, and how often one was told. */
    let toldLimit: number | undefined
    let limitsTold = 0
    /** Lent to reads, and not taken in by the peer yet: for small blocks more than goes over the wire. */
    let heldBytes = 0
    let lastMoveAt = Date.now()

    const noteMove = () => {
      lastMoveAt = Date.now()
    }

    const refuse = ({ piece, offset }: Block, why: RefusalReason = 'gone') =>
      socket.write(encodeFrame({ type: 'refused', piece, offset, why }), noteMove)
    const tellFresh = () => {
      const fresh = turns.freshOf(id)
      if (fresh) socket.write(encodeFrame({ type: 'fresh', have: fresh }))
    }

    const leave = (reason: string, retry: boolean) => {
      if (leaving) return
      leaving = true
      decoder.stop()
      queue.clear()
      socket.end(encodeFrame({ type: 'bye', retry, reason }))
      setTimeout(() => cutOff(socket), uploadTunables.farewellMs).unref()
    }

    const count = () => {
      if (uncounted > 0) tell({ type: 'bytes.served', share: ticket.share, bytes: uncounted })
      uncounted = 0
    }

    const send = (wire: Buffer, lent: Buffer) => {
      socket.write(wire, error => {
        if (!error) buffers.give(lent)
        heldBytes -= lent.length
        noteMove()
        serveMore()
      })
    }

    /** Under a cap: one block, which is this link's at its turn and not before, for until then it may be cancelled. */
    const serveInTurn = async () => {
      let isThrough = false
      const turn = inTurn(throttle, id, () => {
        isThrough = true
        return leaving ? undefined : queue.take(1)[0]
      })
      if (!isThrough) tellLimit()
      const block = await turn
      if (block) await serveRun([block])
    }

    /** Who waits because of our cap is told so, and when there is none any more. */
    const tellLimit = () => {
      const limit = throttle.bytesPerSecond
      if (limit === toldLimit || limitsTold === uploadTunables.limitsTold || socket.alpnProtocol !== speaksLimits)
        return
      toldLimit = limit
      limitsTold += 1
      socket.write(encodeFrame({ type: 'limit', bytesPerSecond: limit ?? 0 }))
    }

    const serveRun = async (run: readonly Block[]) => {
      const { piece, offset } = run[0]!
      const lent = buffers.take(run.length * slotBytes)
      heldBytes += lent.length
      const { wire, targets } = layOut(run, lent)
      const from = offer
      try {
        await from.read(piece, offset, targets)
        if (leaving) return
        send(wire, lent)
        const bytes = totalBytes(targets)
        uncounted += bytes
        conduct.served(bytes)
      } catch (error) {
        heldBytes -= lent.length
        if (!leaving) for (const block of run) refuse(block)
        tell({ type: 'read.failed', offer: from, error: error as Error })
      }
    }

    const serveMore = async () => {
      if (reading) return
      reading = true
      if (!throttle.isCapped) tellLimit()
      while (queue.ready > 0 && !leaving && heldBytes < uploadTunables.highWaterBytes)
        await (throttle.isCapped ? serveInTurn() : serveRun(queue.take(mostBlocksOfARead)))
      reading = false
    }

    const onRequest = (block: Block) => {
      conduct.requested()
      // Who takes nothing in does not move, however much it asks.
      if (socket.writableLength === 0) noteMove()
      if (!offer.have.has(block.piece)) return refuse(block)
      const fate = queue.asked(block)
      if (fate === 'ready') serveMore()
      else if (fate === 'undecided') askForTurn(block)
      else if (fate !== 'waiting') refuse(block, fate.refused)
    }

    const askForTurn = (block: Block) => {
      const answer = turns.ask(id, block.piece)
      if (answer === 'accepted') return queue.accepted(block)
      if (queue.refused(block, answer) && answer === 'declined') tellFresh()
      refuse(block, answer)
    }

    const onTurn = (piece: number) => {
      queue.begin(piece)
      serveMore()
    }
    const onCall = () => {
      tellFresh()
      socket.write(encodeFrame({ type: 'call' }))
    }

    const onCancel = (block: Block) => {
      conduct.cancelled()
      const { wasHeld, isSettled } = queue.cancelled(block)
      if (wasHeld) refuse(block)
      if (isSettled) turns.settled(id, block.piece)
    }

    const announce = (piece: number) => {
      if (!leaving && told.add(piece)) socket.write(encodeFrame({ type: 'have', piece }))
    }

    const decoder = createFrameDecoder(['request', 'cancel', 'taken', 'pass', 'bye'], offer.manifest, {
      onFrame: frame => {
        if (frame.type === 'request') onRequest(frame)
        else if (frame.type === 'cancel') onCancel(frame)
        else if (frame.type === 'taken') turns.settled(id, frame.piece)
        else if (frame.type === 'pass') turns.passed(id)
        else socket.destroy()
      },
    })

    socket.on('data', chunk => {
      try {
        decoder.write(chunk)
      } catch (error) {
        if (!(error instanceof FrameError)) throw error
        // Whatever else it floods us with stays unread.
        socket.pause()
        leave('you broke the protocol', false)
      }
    })
    const onClose = () => {
      leaving = true
      clearInterval(counting)
      clearInterval(idling)
      count()
      turns.close(id)
      tell({ type: 'upload-session.ended', id })
    }
    const counting = setInterval(count, uploadTunables.countEveryMs)
    // Asking for nothing and taking nothing in end the same; while a read is awaited, it is ours to move.
    const idling = setInterval(() => {
      if (queue.ready > 0 && socket.writableLength === 0) noteMove()
      if (Date.now() - lastMoveAt > idleAfterMs) leave('nothing was asked for', true)
      if (Date.now() >= ticket.expiresAt) leave('this ticket has expired', true)
    }, idleAfterMs / 4)
    socket.on('close', onClose)

    receive(command => {
      if (command.type === 'piece.available') announce(command.piece)
      if (command.type === 'session.close') leave(command.reason, command.retry)
      if (command.type === 'offer.replaced') {
        offer = command.offer
        socket.cork()
        for (let piece = 0; piece < offer.have.length; piece++) if (offer.have.has(piece)) announce(piece)
        socket.uncork()
      }
    })
    turns.open(id, ticket.share, input.own, { serve: onTurn, call: onCall })
    socket.write(encodeFrame({ type: 'bitfield', have: told }))
    socket.resume()

    return () => {
      leaving = true
      clearInterval(counting)
      clearInterval(idling)
      turns.close(id)
      socket.off('close', onClose)
      cutOff(socket)
    }
  })
}
