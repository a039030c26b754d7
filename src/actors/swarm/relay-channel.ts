// One relayed channel as a stream: ordered and complete, or broken. Sends at most a window of chunks ahead of the other
// side's credit, and grants credit as its own reader takes chunks in, so each side holds at most one window. A gap, a
// chunk beyond the window or silence breaks it. The broker holds the other side to its window, too: it delivers no more
// messages than `allow` says.

import { Duplex } from 'node:stream'
import { relayTunables } from '../../../config/swarm.ts'
import { type RelayMessage, relayVersion } from '../../wire/relay-messages.ts'

export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code = 'relay'
}

/** What only a dishonest peer does. */
export class RelayAbuse extends RelayError {}

const somethingLost = 'the relay lost something'
const beyondGrant = 'it sent more over the relay than was granted'

/** How a channel reaches its other side. */
export interface ChannelLink {
  /** May throw: the channel then breaks. */
  send(message: RelayMessage): void
  /** From now on the other side may have sent that many messages in all. Never falls. */
  allow(messages: number): void
}

export type RelaySettings = { readonly [K in keyof typeof relayTunables]: number }

export class RelayChannel extends Duplex {
  readonly #settings: RelaySettings
  readonly #heartbeat: NodeJS.Timeout
  #link: ChannelLink | undefined
  /** Both sides are listening. */
  #isOpen = false
  #onOpen: (() => void) | undefined
  #sent = 0
  /** Our chunks that the other side has taken in. */
  #acknowledged = 0
  #outgoing: Uint8Array[] = []
  #onOutgoingSent: (() => void) | undefined
  /** Messages of any kind. */
  #heard = 0
  #allowed = 0
  #heartbeats = 0
  #received = 0
  #taken = 0
  #credited = 0
  #incoming: Uint8Array[] = []
  #wanted = false
  #otherEnded = false
  #heardAt = performance.now()

  constructor(settings: RelaySettings = relayTunables) {
    super({ highWaterMark: settings.chunkBytes, autoDestroy: true })
    this.#settings = settings
    this.#heartbeat = setInterval(() => this.#keepAlive(), settings.heartbeatEveryMs)
  }

  /** Once, before anything is heard. What is written waits until the other side says `open`. */
  attach(link: ChannelLink): void {
    this.#link = link
    this.#allow()
  }

  /** Instead of waiting: tells the other side, which is listening already, that this one is, too. */
  open(): void {
    this.#trySend({ type: 'open', version: relayVersion })
    this.#isOpen = true
  }

  /** A message from the other side; undefined: a malformed one. */
  hear(message: RelayMessage | undefined): void {
    if (this.destroyed) return
    this.#heardAt = performance.now()
    this.#heard += 1
    const fault = this.#faultOf(message)
    if (fault || !message) {
      this.destroy(fault)
    } else if (message.type === 'open') {
      this.#isOpen = true
      this.#onOpen?.()
      this.#sendOutgoing()
    } else if (message.type === 'data') {
      this.#received += 1
      this.#incoming.push(message.chunk)
      this.#passOn()
    } else if (message.type === 'credit') {
      this.#acknowledged = message.taken
      this.#sendOutgoing()
    } else if (message.type === 'end') {
      this.#otherEnded = true
      this.#passOn()
    }
  }

  /** Why this message ends the channel; undefined when it does not. */
  #faultOf(message: RelayMessage | undefined): RelayError | undefined {
    if (!message) return new RelayAbuse('it sent something malformed over the relay')
    if (this.#heard >= this.#allowed) return new RelayAbuse(beyondGrant)
    if (!this.#isOpen && (message.type === 'data' || message.type === 'end'))
      return new RelayAbuse('it used a relayed connection before it opened it')
    switch (message.type) {
      case 'data':
        if (message.before !== this.#received || this.#otherEnded) return new RelayError(somethingLost)
        return this.#received - this.#taken < this.#settings.windowChunks ? undefined : new RelayAbuse(beyondGrant)
      case 'credit':
        // What it said first was lost on the way.
        if (!this.#isOpen) return new RelayError(somethingLost)
        if (message.taken < this.#acknowledged || message.taken > this.#sent)
          return new RelayAbuse('it miscounts what it was sent')
        return message.sent === this.#received ? undefined : new RelayError(somethingLost)
      case 'end':
        return message.sent === this.#received && !this.#otherEnded ? undefined : new RelayError(somethingLost)
      case 'reset':
        return new RelayError('it broke off the relayed connection')
      case 'open':
        if (this.#isOpen) return new RelayAbuse('it opened one relayed connection twice')
        return message.version === relayVersion ? undefined : new RelayError('it relays by another version of Shoal')
    }
  }

  #passOn(): void {
    while (this.#wanted && this.#incoming.length > 0) {
      this.#taken += 1
      this.#wanted = this.push(this.#incoming.shift())
    }
    if (this.#taken - this.#credited >= this.#settings.windowChunks / 4) this.#credit()
    if (this.#otherEnded && this.#incoming.length === 0) this.push(null)
  }

  #credit(): void {
    this.#credited = this.#taken
    this.#allow()
    this.#trySend({ type: 'credit', taken: this.#taken, sent: this.#sent })
  }

  /**
   * An honest side sends no more than this, less one: a window of chunks beyond those credited, a credit for each chunk it
   * was sent, its heartbeats, and a few more. `least`: a smaller change can wait.
   */
  #allow(least = 1): void {
    const { windowChunks, spareMessages } = this.#settings
    const allowed = this.#credited + windowChunks + this.#sent + 2 * this.#heartbeats + spareMessages + 1
    if (allowed - this.#allowed < least) return
    this.#allowed = allowed
    this.#link?.allow(allowed)
  }

  #sendOutgoing(): void {
    if (!this.#isOpen) return
    while (this.#outgoing.length > 0 && this.#sent - this.#acknowledged < this.#settings.windowChunks) {
      this.#trySend({ type: 'data', before: this.#sent, chunk: this.#outgoing.shift()! })
      this.#sent += 1
    }
    this.#allow(this.#settings.windowChunks / 4)
    if (this.#outgoing.length > 0) return
    const onSent = this.#onOutgoingSent
    this.#onOutgoingSent = undefined
    onSent?.()
  }

  #keepAlive(): void {
    this.#heartbeats += 1
    const silentMs = performance.now() - this.#heardAt
    if (silentMs > this.#settings.silentAfterMs) this.destroy(new RelayError('the relay has gone silent'))
    else if (this.#isOpen) this.#credit()
  }

  #trySend(message: RelayMessage): void {
    try {
      this.#link?.send(message)
    } catch (cause) {
      this.destroy(new RelayError('the connection to the brokers is gone', { cause }))
    }
  }

  override _read(): void {
    this.#wanted = true
    this.#passOn()
  }

  override _write(chunk: Buffer, _: BufferEncoding, callback: () => void): void {
    this._writev([{ chunk }], callback)
  }

  override _writev(writes: readonly { readonly chunk: Buffer }[], callback: () => void): void {
    const bytes = writes.length === 1 ? writes[0]!.chunk : Buffer.concat(writes.map(({ chunk }) => chunk))
    for (let at = 0; at < bytes.length; at += this.#settings.chunkBytes)
      this.#outgoing.push(bytes.subarray(at, at + this.#settings.chunkBytes))
    this.#onOutgoingSent = callback
    this.#sendOutgoing()
  }

  override _final(callback: () => void): void {
    const end = () => {
      this.#trySend({ type: 'end', sent: this.#sent })
      callback()
    }
    if (this.#isOpen) end()
    else this.#onOpen = end
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearInterval(this.#heartbeat)
    this.#incoming = []
    this.#outgoing = []
    const orderly = this.writableFinished && this.readableEnded
    if (!orderly) {
      try {
        this.#link?.send({ type: 'reset' })
      } catch {
        // The channel is over either way.
      }
    }
    callback(error)
  }
}
