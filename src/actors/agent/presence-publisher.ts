// Publishes this device's presence: that it is online, where peers connect and what it is fetching; or that it leaves.
// Nothing is published without a broker: it would go out late, and say what is no longer so.

import type { NatsConnection } from 'nats'
import { presenceTunables } from '../../../config/client.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import type { Heartbeat } from '../../wire/heartbeat.ts'
import { presenceSubject } from '../../wire/subjects.ts'

type Transport = Pick<NatsConnection, 'publish' | 'isClosed' | 'info'>

export interface Presence {
  /** Undefined while peers cannot connect: such a device is not online. */
  readonly port: number | undefined
  /** Shares of which this device has some pieces; those that a heartbeat has no room for are left out. */
  readonly fetching: readonly string[]
}

export function publishOnline(connection: Transport, device: DeviceRef, { port, fetching }: Presence): void {
  if (port === undefined) return
  publish(connection, device, { state: 'online', port, fetching: fetching.slice(0, presenceTunables.mostFetching) })
}

export const publishLeaving = (connection: Transport, device: DeviceRef): void =>
  publish(connection, device, { state: 'leaving' })

function publish(connection: Transport, device: DeviceRef, heartbeat: Heartbeat): void {
  if (connection.isClosed() || !connection.info) return
  connection.publish(presenceSubject(device, connection.info.client_ip ?? ''), JSON.stringify(heartbeat))
}
