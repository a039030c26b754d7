// Channels through NATS for peers that cannot be reached directly: opens them to others, and hands over those that others
// open to this device. The sender is taken from the subject, which the broker vouches for. Messages of no known channel
// are dropped. The channels that others may hold open are limited, per user and in all.

import { randomBytes } from 'node:crypto'
import type { Duplex } from 'node:stream'
import type { NatsConnection } from 'nats'
import { relayTunables } from '../../../config/swarm.ts'
import { type DeviceRef, deviceKey } from '../../domain/device-ref.ts'
import { isDeviceId, isId } from '../../domain/names.ts'
import { decodeRelayMessage, encodeRelayMessage, type RelayMessage, relayVersion } from '../../wire/relay-messages.ts'
import { addressOf, relayInbox, relaySubject } from '../../wire/subjects.ts'
import { isNoResponders } from '../client/no-responders.ts'
import type { AcceptRelayed } from './peer-listener.ts'
import { RelayChannel, RelayError, type RelaySettings } from './relay-channel.ts'

export interface Relay {
  /** Every failure, also that the other device is not connected, shows as a RelayError of the stream. */
  connect(to: DeviceRef): Duplex
  /** One taker at a time; without one, channels that others open are reset. */
  readonly accept: AcceptRelayed
  /** Breaks every channel. */
  close(): void
}

/** The part of a NATS connection that is used here. */
export type RelayTransport = Pick<NatsConnection, 'publish' | 'subscribe'>

const channelPattern = /^[0-9a-f]{32}$/

interface Sender {
  readonly from: DeviceRef
  readonly channel: string
}

/** Undefined when the subject is not made as `relaySubject` makes them. */
function senderOf(subject: string): Sender | undefined {
  const [user = '', device = '', channel = '', ...more] = addressOf(subject)?.rest.split('.') ?? []
  if (!isId(user) || !isDeviceId(device) || !channelPattern.test(channel) || more.length > 0) return undefined
  return { from: { user, device }, channel }
}

export function openRelay(transport: RelayTransport, me: DeviceRef, settings: RelaySettings = relayTunables): Relay {
  /** By sender and id, so that no one can write into another's channel. */
  const channels = new Map<string, { readonly channel: RelayChannel; readonly openedBy: string | undefined }>()
  let taker: ((channel: Duplex, from: DeviceRef) => void) | undefined
  const keyOf = ({ from, channel }: Sender) => `${deviceKey(from)} ${channel}`

  const publish = (other: Sender, message: RelayMessage, reply?: string) =>
    transport.publish(
      relaySubject(other.from, me, other.channel),
      encodeRelayMessage(message),
      reply === undefined ? {} : { reply },
    )

  /** `openedBy`: the user at the other end, if that end opened it. */
  const add = (other: Sender, openedBy?: string): RelayChannel => {
    const channel = new RelayChannel(message => publish(other, message), settings)
    const key = keyOf(other)
    channels.set(key, { channel, openedBy })
    channel.once('close', () => channels.delete(key))
    return channel
  }

  const hasRoomFor = (user: string) => {
    const others = [...channels.values()].filter(({ openedBy }) => openedBy !== undefined)
    const theirs = others.filter(({ openedBy }) => openedBy === user)
    return others.length < settings.maxChannels && theirs.length < settings.maxChannelsPerUser
  }

  const onOpen = (sender: Sender, version: number) => {
    if (taker && version === relayVersion && hasRoomFor(sender.from.user))
      taker(add(sender, sender.from.user), sender.from)
    else publish(sender, { type: 'reset' })
  }

  const subscription = transport.subscribe(relayInbox(me), {
    callback: (error, message) => {
      if (error) {
        for (const { channel } of channels.values())
          channel.destroy(new RelayError('the brokers do not let us relay', { cause: error }))
        return
      }
      const sender = senderOf(message.subject)
      if (!sender) return
      const known = channels.get(keyOf(sender))?.channel
      if (isNoResponders(message)) {
        known?.destroy(new RelayError('it is not connected to the brokers'))
        return
      }
      const said = decodeRelayMessage(message.data)
      if (known) {
        if (said) known.hear(said)
        else known.destroy(new RelayError('it sent something malformed over the relay'))
      } else if (said?.type === 'open') onOpen(sender, said.version)
    },
  })

  return {
    connect(to) {
      const other = { from: to, channel: randomBytes(16).toString('hex') }
      const channel = add(other)
      try {
        // The reply subject is our own end of the channel: there the broker reports that no one listens.
        publish(other, { type: 'open', version: relayVersion }, relaySubject(me, to, other.channel))
      } catch (cause) {
        channel.destroy(new RelayError('the connection to the brokers is gone', { cause }))
      }
      return channel
    },

    accept(next) {
      taker = next
      return () => {
        if (taker === next) taker = undefined
      }
    },

    close() {
      subscription.unsubscribe()
      for (const { channel } of channels.values()) channel.destroy(new RelayError('the relay was closed'))
    },
  }
}
