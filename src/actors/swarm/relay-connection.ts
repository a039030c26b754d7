// The relay's own connection to the brokers, apart from the one for presence and requests: opened with the first channel,
// closed after a while without any. Losing it breaks the channels on it, and nothing else.

import type { Duplex } from 'node:stream'
import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { RelayError, type RelaySettings } from './relay-channel.ts'

/** The part of a NATS connection that is used here. It must not reconnect by itself. */
export type RelayTransport = Pick<NatsConnection, 'publish' | 'subscribe' | 'flush' | 'close' | 'closed'>

const lost = 'the connection to the brokers is gone'

export class RelayConnection {
  readonly #dial: () => Promise<RelayTransport>
  readonly #settings: Pick<RelaySettings, 'idleMs' | 'farewellMs'>
  readonly #channels = new Set<Duplex>()
  #opening: Promise<RelayTransport> | undefined
  #idle: NodeJS.Timeout | undefined
  #isClosed = false

  constructor(dial: () => Promise<RelayTransport>, settings: Pick<RelaySettings, 'idleMs' | 'farewellMs'>) {
    this.#dial = dial
    this.#settings = settings
  }

  /** Keeps the connection open while the channel is. A loss of it destroys the channel. Rejects as `dial` does. */
  hold(channel: Duplex): Promise<RelayTransport> {
    clearTimeout(this.#idle)
    this.#channels.add(channel)
    channel.once('close', () => this.#letGo(channel))
    return this.#current()
  }

  /** Gives what the channels sent last a moment to reach a broker. */
  async close(): Promise<void> {
    this.#isClosed = true
    clearTimeout(this.#idle)
    const late = delay(this.#settings.farewellMs, undefined, { ref: false })
    // One that is still being dialled is closed once it is made.
    const transport = await Promise.race([this.#opening?.catch(() => undefined), late])
    if (!transport) return
    await Promise.race([transport.flush().catch(() => {}), late])
    await transport.close()
  }

  #current(): Promise<RelayTransport> {
    if (this.#opening) return this.#opening
    const opening = this.#open()
    this.#opening = opening
    const forget = () => {
      if (this.#opening !== opening) return
      this.#opening = undefined
      for (const channel of this.#channels) channel.destroy(new RelayError(lost))
    }
    opening.then(transport => transport.closed()).then(forget, forget)
    return opening
  }

  async #open(): Promise<RelayTransport> {
    const transport = await this.#dial()
    if (this.#isClosed) await transport.close()
    return transport
  }

  #letGo(channel: Duplex): void {
    this.#channels.delete(channel)
    if (this.#channels.size > 0 || this.#isClosed) return
    clearTimeout(this.#idle)
    this.#idle = setTimeout(() => {
      const opening = this.#opening
      this.#opening = undefined
      opening?.then(transport => transport.close()).catch(() => {})
    }, this.#settings.idleMs).unref()
  }
}
