// A relay without trackers: every introduction is made, by the device that asks for it.

import { relayTunables } from '../../config/swarm.ts'
import { Relay, type RelayNeeds } from '../../src/actors/swarm/relay.ts'
import type { RelaySettings } from '../../src/actors/swarm/relay-channel.ts'
import type { RelayTransport } from '../../src/actors/swarm/relay-connection.ts'
import type { DeviceRef } from '../../src/domain/device-ref.ts'
import { done, type Outcome } from '../../src/domain/refusal.ts'
import type { Introduction } from '../../src/wire/introduction.ts'
import { introductionSubject } from '../../src/wire/subjects.ts'
import type { SwarmPeer, TrackerParams } from '../../src/wire/tracker-api.ts'

export interface TestRelayOptions {
  readonly settings?: Partial<RelaySettings>
  /** The trackers' answer; by default they introduce it. */
  readonly answer?: Outcome<object>
}

/** Channels neither beat nor break with time unless a test says so: a busy machine would decide what a test sees. */
const withoutTime = { ...relayTunables, heartbeatEveryMs: 3_600_000, silentAfterMs: 3_600_000 }

/** Its main connection is one that `connect` made, and so is its own. */
export async function openTestRelay(
  connect: () => RelayTransport | Promise<RelayTransport>,
  me: DeviceRef,
  { settings = {}, answer = done({}) }: TestRelayOptions = {},
): Promise<Relay> {
  const main = await connect()
  const trackers = {
    async ask(_: 'swarm.introduce', { to, channel }: TrackerParams<'swarm.introduce'>) {
      const introduction: Introduction = { from: me, channel }
      if (answer.ok) main.publish(introductionSubject(to), JSON.stringify(introduction))
      return answer
    },
  } as unknown as RelayNeeds['trackers']
  return new Relay({ me, main, trackers, dial: async () => connect(), settings: { ...withoutTime, ...settings } })
}

/** A device as a peer without an address, for a relay that needs no ticket. */
export const relayedPeer = (device: DeviceRef): SwarmPeer => ({
  ...device,
  host: '127.0.0.1',
  port: 1,
  complete: true,
  ticket: { identity: '', key: '' },
})
