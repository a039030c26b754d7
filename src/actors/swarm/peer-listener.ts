// Accepts peers, directly or through the relay: admits those that prove to hold a ticket for this device, and believes
// nothing else. A peer's hello must name the ticket's holder and, relayed, the sender that the broker vouches for.
// A peer that takes longer than `provenWithinMs` is cut off. When too many are at it at once, the oldest one of the origin
// with the most is cut off; an origin that connects more often than handshakes can be afforded is turned away at once.

import { randomUUID } from 'node:crypto'
import { createServer, type Server, type Socket } from 'node:net'
import type { Duplex } from 'node:stream'
import type { TLSSocket } from 'node:tls'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { type UploadSettings, uploadTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { refuse } from '../../domain/refusal.ts'
import type { Offer, Via } from '../../machines/swarm-protocol.ts'
import type { Listening, PeerListenerCommand, PeerListenerEvent } from '../../machines/uploads-protocol.ts'
import { encodeFrame } from '../../wire/frame-codecs.ts'
import { createFrameDecoder } from '../../wire/frame-decoder.ts'
import { FrameError } from '../../wire/frames.ts'
import { holderTag } from '../../wire/ticket.ts'
import { secureAsServer, type TicketKeys } from './tls.ts'

/** Hands each relayed channel that a peer opens to this device to `accept`, until the returned function is called. */
export type AcceptRelayed = (accept: (channel: Duplex, from: DeviceRef) => void) => () => void

export interface PeerListenerNeeds {
  /** This device's, from `agent.session`. */
  readonly ticketKey: TicketKeys
  readonly acceptRelayed: AcceptRelayed
  /** What there is of a share, beside what the uploads machine was told. */
  readonly findOffer?: ((share: string) => Offer | undefined) | undefined
  /** Connections of peers that have been announced, by the peer's id. The upload session takes its own out. */
  readonly waiting: Map<string, TLSSocket>
  readonly settings?: UploadSettings | undefined
}

/** Reads the one frame that a peer sends before it is answered. Does not check what it says. */
function readHello(socket: TLSSocket, onHolder: (holder: DeviceRef) => void): void {
  const decoder = createFrameDecoder(
    ['hello'],
    { size: 0, pieceLength: 1 },
    {
      onFrame: frame => {
        if (frame.type !== 'hello') throw new Error(`bug: ${frame.type} where only a hello is accepted`)
        decoder.stop()
        socket.pause()
        socket.off('data', onData)
        onHolder(frame.holder)
      },
    },
  )
  const onData = (chunk: Buffer) => {
    try {
      decoder.write(chunk)
    } catch (error) {
      if (!(error instanceof FrameError)) throw error
      socket.destroy()
    }
  }
  socket.on('data', onData)
}

function listeningRefusal({ host, port }: Listening, error: NodeJS.ErrnoException) {
  const at = `${host}:${port}`
  if (error.code === 'EADDRINUSE')
    return refuse('usage', `${at} is in use by another program; choose another with --listen HOST:PORT`)
  if (error.code === 'EADDRNOTAVAIL' || error.code === 'ENOTFOUND')
    return refuse('usage', `${host} is not an address of this machine; choose another with --listen HOST:PORT`)
  if (error.code === 'EACCES')
    return refuse('usage', `you may not listen at ${at}; choose a port above 1023 with --listen HOST:PORT`)
  return refuse('unreachable', `cannot listen at ${at}: ${error.message}`)
}

export function createPeerListener(needs: PeerListenerNeeds): CallbackActorLogic<PeerListenerCommand, Listening> {
  const { ticketKey, acceptRelayed, findOffer, waiting, settings = uploadTunables } = needs

  return fromCallback<PeerListenerCommand, Listening>(({ input, sendBack, receive }) => {
    const tell = (event: PeerListenerEvent) => sendBack(event)
    /** Connections that have not yet shown a ticket and said hello, oldest first, and the origin of each. */
    const unproven = new Map<Duplex, string>()

    /** Recent connections, by origin. */
    const arrivals = new Map<string, number>()
    const forgetting = setInterval(() => arrivals.clear(), uploadTunables.arrivalsWithinMs).unref()

    const connectsTooOften = (origin: string): boolean => {
      const times = (arrivals.get(origin) ?? 0) + 1
      arrivals.set(origin, times)
      return times > uploadTunables.maxArrivals
    }

    /** False when no connection can be cut off for another one from this origin. */
    const makeRoom = (origin: string): boolean => {
      if (unproven.size < uploadTunables.maxHandshakes) return true
      const counts = new Map<string, number>()
      for (const from of unproven.values()) counts.set(from, (counts.get(from) ?? 0) + 1)
      const [[most, count] = [origin, 0]] = [...counts].sort(([, a], [, b]) => b - a)
      if (count <= (counts.get(origin) ?? 0) + 1) return false
      const [oldest] = [...unproven].find(([, from]) => from === most) ?? []
      if (!oldest) return false
      unproven.delete(oldest)
      oldest.destroy()
      return true
    }

    const dismiss = (socket: TLSSocket, reason: string, retry: boolean) => {
      socket.resume()
      socket.end(encodeFrame({ type: 'bye', retry, reason }))
      setTimeout(() => socket.destroy(), uploadTunables.farewellMs).unref()
    }

    const admit = (raw: Duplex, via: Via, sender?: DeviceRef) => {
      raw.on('error', () => {})
      const origin = sender ? `relay ${sender.user}` : ((raw as Socket).remoteAddress ?? '')
      if (connectsTooOften(origin) || !makeRoom(origin)) return raw.destroy()
      unproven.set(raw, origin)
      const deadline = setTimeout(() => raw.destroy(), settings.provenWithinMs)
      const settle = () => {
        clearTimeout(deadline)
        unproven.delete(raw)
      }
      raw.once('close', settle)
      secureAsServer(raw, ticketKey, (socket, ticket) =>
        readHello(socket, holder => {
          settle()
          if (holderTag(holder) !== ticket.holder)
            return dismiss(socket, 'this ticket belongs to another device', false)
          if (sender && deviceKey(sender) !== deviceKey(holder))
            return dismiss(socket, 'this ticket belongs to another device', false)
          const id = randomUUID()
          waiting.set(id, socket)
          socket.once('close', () => waiting.delete(id))
          tell({ type: 'peer.arrived', peer: { id, holder, ticket, via }, offer: findOffer?.(ticket.share) })
        }),
      )
    }

    const server: Server = createServer({ noDelay: true, keepAlive: true }, (raw: Socket) => admit(raw, 'direct'))
    server.on('error', error => tell({ type: 'listener.failed', refusal: listeningRefusal(input, error) }))
    server.on('listening', () => {
      const address = server.address()
      if (address === null || typeof address === 'string') throw new Error('bug: a TCP server without an address')
      tell({ type: 'listener.opened', host: address.address, port: address.port })
    })
    server.listen(input.port, input.host)
    const stopRelayed = acceptRelayed((channel, from) => admit(channel, 'relay', from))

    receive(({ id, reason, retry }) => {
      const socket = waiting.get(id)
      waiting.delete(id)
      if (socket) dismiss(socket, reason, retry)
    })

    return () => {
      stopRelayed()
      clearInterval(forgetting)
      server.close()
      for (const raw of unproven.keys()) raw.destroy()
      for (const socket of waiting.values()) socket.destroy()
    }
  })
}
