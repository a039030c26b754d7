// One peer being served: says what there is, answers each request once, and reads the next block from its offer only
// when the socket has drained. A piece is asked for by its first block; when it is served, or that it is not now, is for
// the turns of the whole device to say (upload-turns.ts), and blocks of a piece being served follow at once, in order.
// One read at a time, so that no peer's queue holds up another's.
// Holds no more than `serving.highWaterBytes` and one read for a peer, however slowly it takes them.

import type { TLSSocket } from 'node:tls'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { link, serving } from '../../../config/tunables.ts'
import { createBitfield } from '../../domain/bitfield.ts'
import { pieceSize } from '../../domain/manifest.ts'
import type { ServerLinkCommand, ServerLinkEvent, ServerLinkInput } from '../../machines/serving-protocol.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { totalBytes } from '../../storage/read-fully.ts'
import {
  type Block,
  blockHeaderBytes,
  createFrameDecoder,
  encodeBlockHeader,
  encodeFrame,
  FrameError,
  type RefusalReason,
} from '../../wire/frames.ts'
import { createBufferPool } from './buffer-pool.ts'
import { createConduct } from './conduct.ts'
import { createThrottle, inTurn, type Throttle } from './throttle.ts'
import { cutOff } from './tls.ts'
import type { UploadTurns } from './upload-turns.ts'

/** Takes the queue's first block and the neighbours that follow it, to be read together. */
function takeRun(queue: Block[]): Block[] {
  const first = queue.shift()
  if (!first) return []
  const run = [first]
  let end = first.offset + first.length
  for (let next = queue[0]; next?.piece === first.piece && next.offset === end; next = queue[0]) {
    if ((run.length + 1) * link.blockBytes > serving.maxReadBytes) break
    end += next.length
    run.push(next)
    queue.shift()
  }
  return run
}

const slotBytes = blockHeaderBytes + link.blockBytes

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
export function createServerLink(
  take: (id: string) => TLSSocket,
  turns: UploadTurns,
  idleAfterMs: number = serving.idleAfterMs,
  throttle: Throttle = createThrottle(),
): CallbackActorLogic<ServerLinkCommand, ServerLinkInput> {
  const buffers = createBufferPool(serving.keptReadBytes)
  return fromCallback<ServerLinkCommand, ServerLinkInput>(({ input, sendBack, receive }) => {
    const socket = take(input.guest.id)
    const tell = (event: ServerLinkEvent) => sendBack(event)
    const { id, ticket } = input.guest
    let offer: Offer = input.offer
    /** What the peer has been told we have. */
    const told = createBitfield(offer.have.length, offer.have.toBytes())
    /** Of pieces that are being served. */
    const queue: Block[] = []
    const served = new Set<number>()
    /** Blocks of pieces that have been accepted, until their turns. */
    const accepted = new Map<number, Block[]>()
    /** The piece refused last, and why: the same goes for the rest of it. */
    let refused: { readonly piece: number; readonly why: RefusalReason } | undefined
    const conduct = createConduct()
    /** Accepted, or being served, and not sent. */
    let blocksHeld = 0
    let reading = false
    let leaving = false
    let uncounted = 0
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
      queue.length = 0
      socket.end(encodeFrame({ type: 'bye', retry, reason }))
      setTimeout(() => cutOff(socket), serving.farewellMs).unref()
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
      const block = await inTurn(throttle, id, () => (leaving ? undefined : queue.shift()))
      if (block) await serveRun(startRun([block]))
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

    /** Asked for again after its last block, a piece needs a turn of its own again. */
    const startRun = (run: Block[]): Block[] => {
      const { piece, offset, length } = run.at(-1)!
      blocksHeld -= run.length
      if (offset + length === pieceSize(offer.manifest, piece)) served.delete(piece)
      return run
    }

    const serveMore = async () => {
      if (reading) return
      reading = true
      while (queue.length > 0 && !leaving && heldBytes < serving.highWaterBytes)
        await (throttle.isCapped ? serveInTurn() : serveRun(startRun(takeRun(queue))))
      reading = false
    }

    const onRequest = (block: Block) => {
      conduct.requested()
      // Who takes nothing in does not move, however much it asks.
      if (socket.writableLength === 0) noteMove()
      if (!offer.have.has(block.piece)) return refuse(block)
      blocksHeld += 1
      if (blocksHeld > serving.maxBlocksQueued) throw new FrameError('too many requests at once')
      if (served.has(block.piece)) {
        queue.push(block)
        return serveMore()
      }
      const blocks = accepted.get(block.piece)
      if (blocks) blocks.push(block)
      else askForTurn(block)
    }

    const askForTurn = (block: Block) => {
      const { piece, offset } = block
      const answer = offset > 0 && refused?.piece === piece ? refused.why : turns.ask(id, piece)
      if (answer === 'accepted') return accepted.set(piece, [block])
      if (answer === 'declined' && refused?.piece !== piece) tellFresh()
      refused = { piece, why: answer }
      blocksHeld -= 1
      refuse(block, answer)
    }

    const onTurn = (piece: number) => {
      served.add(piece)
      queue.push(...(accepted.get(piece) ?? []))
      accepted.delete(piece)
      serveMore()
    }
    const onCall = () => {
      tellFresh()
      socket.write(encodeFrame({ type: 'call' }))
    }

    const onCancel = ({ piece, offset }: Block) => {
      conduct.cancelled()
      const blocks = accepted.get(piece) ?? queue
      const at = blocks.findIndex(block => block.piece === piece && block.offset === offset)
      if (at >= 0) {
        blocksHeld -= 1
        refuse(blocks.splice(at, 1)[0]!)
      }
      if (blocks.some(block => block.piece === piece)) return
      accepted.delete(piece)
      served.delete(piece)
      turns.settled(id, piece)
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
      tell({ type: 'server-link.ended', id })
    }
    const counting = setInterval(count, serving.countEveryMs)
    // Asking for nothing and taking nothing in end the same; while a read is awaited, it is ours to move.
    const idling = setInterval(() => {
      if (queue.length > 0 && socket.writableLength === 0) noteMove()
      if (Date.now() - lastMoveAt > idleAfterMs) leave('nothing was asked for', true)
      if (Date.now() >= ticket.expiresAt) leave('this ticket has expired', true)
    }, idleAfterMs / 4)
    socket.on('close', onClose)

    receive(command => {
      if (command.type === 'piece.available') announce(command.piece)
      if (command.type === 'link.close') leave(command.reason, command.retry)
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
