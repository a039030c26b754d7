// The proof of a login that may only watch: an HMAC over whom it shows and when it ends. Its key is the device's ticket key,
// which trackers can compute: so they store nothing for it, logging out voids it, and a page that holds it can do nothing
// else. The operator's key is the cluster's own secret.

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

/** Whether it was made with that key and has not ended. One valid for longer than `mostMs` is refused: we make none. */
export function isWatchProof(login: WatchLogin, key: Buffer, nowMs: number, mostMs: number): boolean {
  const whom = login.kind === 'watch' ? deviceKey(login) : 'everybody'
  const right = Buffer.from(proofOf(key, whom, login.expiresAt))
  const given = Buffer.from(login.proof)
  if (given.length !== right.length || !timingSafeEqual(given, right)) return false
  // Brokers end it at a whole second; until its last milliseconds are over it would be let in again.
  const endsAt = Math.floor(login.expiresAt / 1000) * 1000
  return endsAt > nowMs && login.expiresAt - nowMs <= mostMs
}
