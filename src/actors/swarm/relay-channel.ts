// One relayed channel as a stream: ordered and complete, or broken. Sends at most a window of chunks ahead of the other
// side's credit, and grants credit as its own reader takes chunks in, so each side holds at most one window. A gap, a
// chunk beyond the window or silence breaks it.

import { Duplex } from 'node:stream'
import { relayTunables } from '../../../config/swarm.ts'
import type { RelayMessage } from '../../wire/relay-messages.ts'

export class RelayError extends Error {
  override readonly name = 'RelayError'
  readonly code = 'relay'
}

export type RelaySettings = { readonly [K in keyof typeof relayTunables]: number }

export class RelayChannel extends Duplex {
  readonly #send: (message: RelayMessage) => void
  readonly #settings: RelaySettings
  readonly #heartbeat: NodeJS.Timeout
  #sent = 0
  /** Our chunks that the other side has taken in. */
  #acknowledged = 0
  #outgoing: Uint8Array[] = []
  #onOutgoingSent: (() => void) | undefined
  #received = 0
  #taken = 0
  #credited = 0
  #incoming: Uint8Array[] = []
  #wanted = false
  #otherEnded = false
  #heardAt = performance.now()

  /** `send` may throw: the channel then breaks. */
  constructor(send: (message: RelayMessage) => void, settings: RelaySettings = relayTunables) {
    super({ highWaterMark: settings.chunkBytes, autoDestroy: true })
    this.#send = send
    this.#settings = settings
    this.#heartbeat = setInterval(() => this.#keepAlive(), settings.heartbeatEveryMs)
  }

  /** A message from the other side. */
  hear(message: RelayMessage): void {
    if (this.destroyed) return
    this.#heardAt = performance.now()
    const broken = this.#faultOf(message)
    if (broken !== undefined) {
      this.destroy(new RelayError(broken))
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
  #faultOf(message: RelayMessage): string | undefined {
    switch (message.type) {
      case 'data':
        if (message.before !== this.#received || this.#otherEnded) return 'the relay lost something'
        if (this.#received - this.#taken < this.#settings.windowChunks) return undefined
        return 'it sent more over the relay than was granted'
      case 'credit':
        if (message.taken < this.#acknowledged || message.taken > this.#sent) return 'it miscounts what it was sent'
        return message.sent === this.#received ? undefined : 'the relay lost something'
      case 'end':
        return message.sent === this.#received && !this.#otherEnded ? undefined : 'the relay lost something'
      case 'reset':
        return 'it broke off the relayed connection'
      case 'open':
        return 'it opened one relayed connection twice'
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
    this.#trySend({ type: 'credit', taken: this.#taken, sent: this.#sent })
  }

  #sendOutgoing(): void {
    while (this.#outgoing.length > 0 && this.#sent - this.#acknowledged < this.#settings.windowChunks) {
      this.#trySend({ type: 'data', before: this.#sent, chunk: this.#outgoing.shift()! })
      this.#sent += 1
    }
    if (this.#outgoing.length > 0) return
    const onSent = this.#onOutgoingSent
    this.#onOutgoingSent = undefined
    onSent?.()
  }

  #keepAlive(): void {
    const silentMs = performance.now() - this.#heardAt
    if (silentMs > this.#settings.silentAfterMs) this.destroy(new RelayError('the relay has gone silent'))
    else this.#credit()
  }

  #trySend(message: RelayMessage): void {
    try {
      this.#send(message)
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
    this.#trySend({ type: 'end', sent: this.#sent })
    callback()
  }

  override _destroy(error: Error | null, callback: (error: Error | null) => void): void {
    clearInterval(this.#heartbeat)
    this.#incoming = []
    this.#outgoing = []
    const orderly = this.writableFinished && this.readableEnded
    if (!orderly) {
      try {
        this.#send({ type: 'reset' })
      } catch {
        // The channel is over either way.
      }
    }
    callback(error)
  }
}
