// The secret of a log-in that only watches: an HMAC over whom it shows and when it ends. Its key is what trackers can
// compute and what a device is told when it connects (its ticket key), so trackers keep nothing for it, a log-out makes it
// void, and the page that holds it can become nothing else. The operator's comes from the cluster's own secret.

import { createHmac, timingSafeEqual } from 'node:crypto'
import { type DeviceRef, deviceKey } from '../domain/device-ref.ts'
import type { BrokerLogin } from './broker-login.ts'

type WatchLogin = Extract<BrokerLogin, { kind: 'watch' | 'operator' }>

const proofOf = (key: Buffer, whom: string, expiresAt: number) =>
  createHmac('sha256', key).update(`watch\n${whom}\n${expiresAt}`).digest('base64url')

/** `ticketKey`: that device's (wire/ticket.ts). */
export const watchLogin = ({ user, device }: DeviceRef, ticketKey: Buffer, expiresAt: number): WatchLogin => ({
  kind: 'watch',
  user,
  device,
  expiresAt,
  proof: proofOf(ticketKey, deviceKey({ user, device }), expiresAt),
})

/** `ticketSecret`: the cluster's. */
export const operatorLogin = (ticketSecret: Buffer, expiresAt: number): WatchLogin => ({
  kind: 'operator',
  expiresAt,
  proof: proofOf(ticketSecret, 'everybody', expiresAt),
})

/** Whether it was made with that key, and has not ended. A log-in that would hold longer than `mostMs` was made by nobody of ours. */
export function isWatchProof(login: WatchLogin, key: Buffer, nowMs: number, mostMs: number): boolean {
  const whom = login.kind === 'watch' ? deviceKey(login) : 'everybody'
  const right = Buffer.from(proofOf(key, whom, login.expiresAt))
  const given = Buffer.from(login.proof)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return false
  // Brokers end it at a whole second; until its last milliseconds are over it would be let in again.
  const endsAt = Math.floor(login.expiresAt / 1000) * 1000
  return endsAt > nowMs && login.expiresAt - nowMs <= mostMs
}
