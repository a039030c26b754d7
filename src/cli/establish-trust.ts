// Which authority a device trusts at brokers on other machines. Once trusted, only a person replaces it (or a rotation
// that the old authority signed). A device that trusts none yet checks the fingerprint in the brokers' address; without
// one it trusts the first authority it meets, and says so.

import {
  fetchAuthority,
  fingerprintOfAuthority,
  isFingerprint,
  isSecure,
  type Trust,
} from '../actors/client/broker-trust.ts'
import type { Home } from '../actors/device/home.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'

const notShown = (servers: readonly string[], advice: string) =>
  refuse('unreachable', `no broker answers with TLS at ${servers.join(', ')}; ${advice}`)

/**
 * The authority (PEM) that brokers show there, if it has this fingerprint; refuses with `usage`, `unreachable` or `untrusted`.
 * `advice` is for when no broker answers.
 */
export async function findAuthority(
  servers: readonly string[],
  fingerprint: string,
  advice: string,
): Promise<Outcome<string>> {
  if (!isFingerprint(fingerprint))
    return refuse('usage', 'a fingerprint has 43 letters, digits, "-" and "_"; copy it from shoal cluster fingerprint')
  const shown = await fetchAuthority(servers)
  if (shown === undefined) return notShown(servers, advice)
  if (fingerprintOfAuthority(shown) === fingerprint) return done(shown)
  return refuse(
    'untrusted',
    `the brokers at ${servers.join(', ')} have another fingerprint, ${fingerprintOfAuthority(shown)}: it is another cluster, or its secrets were rotated; ask the person who runs it`,
  )
}

/** Decides at the first call whom this device trusts at its brokers. Connections that leave this machine need it. */
export type EstablishTrust = () => Promise<Outcome<Trust>>

export function establishTrust(
  home: Home,
  servers: readonly string[],
  fingerprint: string | undefined,
  advice: string,
  say: (line: string) => void,
): EstablishTrust {
  return async () => {
    const trusted = done(home.trust)
    if (home.trust.authority() !== undefined || !servers.some(isSecure)) return trusted
    if (fingerprint !== undefined) {
      const found = await findAuthority(servers, fingerprint, advice)
      if (found.ok) home.trust.follow(found.value)
      return found.ok ? trusted : found
    }
    const shown = await fetchAuthority(servers)
    if (shown === undefined) return notShown(servers, advice)
    home.trust.follow(shown)
    say(
      `this device now trusts the brokers' authority ${fingerprintOfAuthority(shown)}; compare it with shoal cluster fingerprint on their machine`,
    )
    return trusted
  }
}
