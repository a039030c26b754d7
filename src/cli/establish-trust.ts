// Whom a device comes to trust at brokers on other machines. What it trusts it keeps, and only a person's word replaces
// it (or a rotation that the old authority signed). A device that trusts nobody yet believes the fingerprint that came
// with the brokers' address; without one it takes what it meets first, and says so.

import {
  fingerprintOfAuthority,
  isFingerprint,
  isSecure,
  lookAtAuthority,
  type Trust,
} from '../actors/client/broker-trust.ts'
import type { Home } from '../actors/device/home.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'

const notShown = (servers: readonly string[]) =>
  refuse('unreachable', `no broker answers with TLS at ${servers.join(', ')}; see shoal cluster status there`)

/** The authority that is shown there, if it is the one of that fingerprint. */
export async function findAuthority(servers: readonly string[], fingerprint: string): Promise<Outcome<string>> {
  if (!isFingerprint(fingerprint))
    return refuse('usage', 'a fingerprint is 43 letters, digits, "-" and "_", as shoal cluster up prints it')
  const shown = await lookAtAuthority(servers)
  if (shown === undefined) return notShown(servers)
  if (fingerprintOfAuthority(shown) === fingerprint) return done(shown)
  return refuse(
    'untrusted',
    `what answers at ${servers.join(', ')} shows ${fingerprintOfAuthority(shown)}, another fingerprint: it is not that cluster, or it was rotated since`,
  )
}

/** Decides at the first call whom this device trusts at its brokers. Connections that leave this machine need it. */
export type EstablishTrust = () => Promise<Outcome<Trust>>

export function establishTrust(
  home: Home,
  servers: readonly string[],
  fingerprint: string | undefined,
  say: (line: string) => void,
): EstablishTrust {
  return async () => {
    const trusted = done(home.trust)
    if (home.trust.authority() !== undefined || !servers.some(isSecure)) return trusted
    if (fingerprint !== undefined) {
      const found = await findAuthority(servers, fingerprint)
      if (found.ok) home.trust.follow(found.value)
      return found.ok ? trusted : found
    }
    const shown = await lookAtAuthority(servers)
    if (shown === undefined) return notShown(servers)
    home.trust.follow(shown)
    say(
      `this device trusts the brokers' authority ${fingerprintOfAuthority(shown)} from now on; compare it with shoal cluster fingerprint on their machine`,
    )
    return trusted
  }
}
