// Channels through NATS for peers that cannot be reached directly: opens them to peers, and takes those that trackers
// introduce. Always: bytes come only on channels that this device has subscribed to, one by one, after an introduction;
// they come over the relay's own connection; and the broker delivers no more than was granted. The sender is in the
// subject, and the broker vouches for it.

import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { NatsConnection, Subscription } from 'nats'
import { relayTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import { type Introduction, introductionProof, introductionSchema } from '../../wire/introduction.ts'
import { readJson } from '../../wire/json.ts'
import { decodeRelayMessage, encodeRelayMessage } from '../../wire/relay-messages.ts'
import { introductionSubject, relaySubject } from '../../wire/subjects.ts'
import type { SwarmPeer } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { AcceptRelayed } from './peer-listener.ts'
import { RelayAbuse, RelayChannel, RelayError, type RelaySettings } from './relay-channel.ts'
import { RelayConnection, type RelayTransport } from './relay-connection.ts'

export interface RelayNeeds {
  readonly me: DeviceRef
  /** Hears the trackers' introductions: the connection that is there anyway. */
  readonly main: Pick<NatsConnection, 'subscribe'>
  readonly trackers: Pick<TrackerClient, 'ask'>
  /** Opens the relay's own connection. */
  dial(): Promise<RelayTransport>
  readonly settings?: RelaySettings
}

export class Relay {
  readonly #needs: RelayNeeds
  readonly #settings: RelaySettings
  readonly #connection: RelayConnection
  readonly #introductions: Subscription
  readonly #channels = new Map<string, { readonly channel: RelayChannel; readonly openedBy: string | undefined }>()
  /** Users who broke the relay's rules, and until when nothing is relayed with them. */
  readonly #bannedUntil: RecentMap<string, number>
  #taker: ((channel: Duplex, from: DeviceRef) => void) | undefined

  constructor(needs: RelayNeeds) {
    const { me, main, settings = relayTunables } = needs
    this.#needs = needs
    this.#settings = settings
    this.#bannedUntil = new RecentMap(settings.mostBanned)
    this.#connection = new RelayConnection(needs.dial, settings)
    this.#introductions = main.subscribe(introductionSubject(me), {
      callback: (error, message) => {
        const introduction = error ? undefined : readJson(message.data, introductionSchema)
        if (introduction) this.#onIntroduction(introduction)
      },
    })
  }

  /** Every failure, also that the other device is not connected, shows as a RelayError of the stream. */
  readonly connect = (to: SwarmPeer): Duplex => {
    const other = { from: { user: to.user, device: to.device }, channel: randomBytes(16).toString('hex') }
    const channel = this.#add(other, undefined)
    this.#ask(to, other, channel).catch(cause =>
      channel.destroy(
        cause instanceof RelayError ? cause : new RelayError('the brokers do not let us relay', { cause }),
      ),
    )
    return channel
  }

  /** One taker at a time; without one, introductions are ignored. */
  readonly accept: AcceptRelayed = next => {
    this.#taker = next
    return () => {
      if (this.#taker === next) this.#taker = undefined
    }
  }

  /** Breaks every channel, and closes the relay's connection. */
  async close(): Promise<void> {
    this.#introductions.unsubscribe()
    for (const { channel } of this.#channels.values()) channel.destroy(new RelayError('the relay was closed'))
    await this.#connection.close()
  }

  async #ask(to: SwarmPeer, other: Introduction, channel: RelayChannel): Promise<void> {
    const { trackers } = this.#needs
    if (this.#isBanned(to.user)) throw new RelayError('it broke the rules of the relay not long ago')
    const transport = await this.#connection.hold(channel)
    if (channel.destroyed) return
    this.#join(transport, other, channel)
    // The broker has our subscription before the other side is told of the channel.
    await transport.flush()
    const { identity, key } = to.ticket
    const proof = introductionProof(Buffer.from(key, 'base64url'), other.channel)
    const answer = await trackers.ask('swarm.introduce', { to: other.from, identity, channel: other.channel, proof })
    if (!answer.ok) throw new RelayError(answer.message)
  }

  /** What cannot be taken now is ignored: the other side gives up by itself, and comes again later. */
  #onIntroduction(other: Introduction): void {
    const { from } = other
    if (this.#channels.has(keyOf(other)) || this.#isBanned(from.user) || !this.#taker || !this.#hasRoomFor(from.user))
      return
    const channel = this.#add(other, from.user)
    this.#taker(channel, from)
    if (channel.destroyed) return
    this.#connection
      .hold(channel)
      .then(transport => {
        if (channel.destroyed) return
        this.#join(transport, other, channel)
        channel.open()
      })
      .catch(cause => channel.destroy(new RelayError('the brokers do not let us relay', { cause })))
  }

  #add(other: Introduction, openedBy: string | undefined): RelayChannel {
    const channel = new RelayChannel(this.#settings)
    this.#channels.set(keyOf(other), { channel, openedBy })
    channel.once('close', () => {
      this.#channels.delete(keyOf(other))
      if (channel.errored instanceof RelayAbuse)
        this.#bannedUntil.set(other.from.user, performance.now() + this.#settings.bannedMs)
    })
    return channel
  }

  #join(transport: RelayTransport, other: Introduction, channel: RelayChannel): void {
    const { me } = this.#needs
    const subscription = transport.subscribe(relaySubject(me, other.from, other.channel), {
      callback: (error, message) => {
        if (error) channel.destroy(new RelayError('the brokers do not let us relay', { cause: error }))
        else channel.hear(decodeRelayMessage(message.data))
      },
    })
    channel.once('close', () => subscription.unsubscribe())
    const subject = relaySubject(other.from, me, other.channel)
    channel.attach({
      send: message => transport.publish(subject, encodeRelayMessage(message)),
      // The broker ends the subscription after that many messages; naming more in time keeps it up.
      allow: messages => subscription.unsubscribe(messages),
    })
  }

  #isBanned(user: string): boolean {
    return (this.#bannedUntil.get(user) ?? 0) > performance.now()
  }

  #hasRoomFor(user: string): boolean {
    const others = [...this.#channels.values()].filter(({ openedBy }) => openedBy !== undefined)
    const theirs = others.filter(({ openedBy }) => openedBy === user)
    return others.length < this.#settings.maxChannels && theirs.length < this.#settings.maxChannelsPerUser
  }
}

/** By device and id, so that no one can disturb another's channel. */
const keyOf = ({ from, channel }: Introduction) => `${deviceKey(from)} ${channel}`
