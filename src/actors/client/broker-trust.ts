// Which brokers a connection trusts: those with a certificate of one authority. Everything that leaves this machine is TLS
// from the first byte, and neither a broker nor an attacker in between can change that. When brokers show a new authority
// signed by the trusted one (a rotation), the new one replaces it.

import { createHash, X509Certificate } from 'node:crypto'
import { connect as connectPlainly, type Socket } from 'node:net'
import { checkServerIdentity, connect, type PeerCertificate } from 'node:tls'
import type { ConnectionOptions } from 'nats'
import { certificateTunables } from '../../../config/cluster.ts'
import { isLoopback } from '../../domain/loopback.ts'

export interface Trust {
  /** The trusted authority's certificate as PEM; undefined while none is. */
  authority(): string | undefined
  /** The trusted one vouches for this one, which takes its place. */
  follow(authority: string): void
}

/** For an authority that is read anew each time and never replaced. */
export const trustOf = (authority: () => string | undefined): Trust => ({ authority, follow() {} })
export const trustNobody = trustOf(() => undefined)

/** The brokers show no certificate of the authority trusted here, or none is trusted yet. */
export class UntrustedBrokers extends Error {
  override readonly name = 'UntrustedBrokers'
  readonly code = 'untrusted'
}

/** SHA-256 of its public key, 43 characters of base64url. It does not depend on who signed the certificate. */
export const fingerprintOfAuthority = (certificate: string): string =>
  createHash('sha256')
    .update(new X509Certificate(certificate).publicKey.export({ type: 'spki', format: 'der' }))
    .digest('base64url')

export const isFingerprint = (text: string): boolean => /^[\w-]{43}$/.test(text)

interface Endpoint {
  readonly host: string
  readonly port: number
}

function endpointOf(server: string): Endpoint {
  const [, bare, bracketed, port] =
    /^(?:\w+:\/\/)?(?:([^[\]:/]+)|\[([^\]]+)\]|[^/]*?)(?::(\d{1,5}))?\/?$/.exec(server) ?? []
  return { host: bare ?? bracketed ?? server, port: Number(port ?? 4222) }
}

/** Whether TLS is used there: everywhere but on the loopback, and there if the address says tls. */
export const isSecure = (server: string): boolean => /^tls:/i.test(server) || !isLoopback(endpointOf(server).host)

/** Addresses that brokers give of each other have no scheme: they get that of the known ones. */
export const alike = (told: readonly string[], known: readonly string[]): string[] =>
  known.some(isSecure) ? told.map(server => `tls://${server}`) : [...told]

/** If it cannot be saved (a full disk), the old authority still leads to it, and the next connection tries again. */
function keepTo(trust: Trust, authority: string): void {
  try {
    trust.follow(authority)
  } catch {}
}

/** Options for nats' `connect`. Throws UntrustedBrokers if TLS is needed and no authority is trusted. */
export function tlsTowards(servers: readonly string[], trust: Trust): Pick<ConnectionOptions, 'tls'> {
  if (!servers.some(isSecure)) return {}
  let known = trust.authority()
  if (known === undefined)
    throw new UntrustedBrokers(
      `this device does not trust the brokers at ${servers.join(', ')} yet; run shoal trust FINGERPRINT first`,
    )
  /** Read at every attempt: another process of this device may have followed a rotation. */
  const trusted = () => {
    try {
      known = trust.authority() ?? known
    } catch {
      // A failing disk does not change what this device trusts.
    }
    return known
  }
  const tls = {
    get ca() {
      return trusted()
    },
    handshakeFirst: true,
    minVersion: 'TLSv1.3',
    // The trusted authority may itself be signed by an older one, which is no longer needed.
    allowPartialTrustChain: true,
    checkServerIdentity(host: string, shown: PeerCertificate) {
      const mistaken = checkServerIdentity(host, shown)
      if (mistaken) return mistaken
      const issuer = issuerOf(shown)
      const authority = trusted()
      if (issuer && authority && fingerprintOfAuthority(issuer) !== fingerprintOfAuthority(authority))
        keepTo(trust, issuer)
      return undefined
    },
  }
  return { tls: tls as object }
}

/**
 * A bare socket to one of these brokers with the same trust, for a caller that speaks NATS itself. Throws UntrustedBrokers
 * as `tlsTowards` does; emits 'error' if the broker shows another authority's certificate.
 */
export function dialBroker(server: string, servers: readonly string[], trust: Trust): Socket {
  const { host, port } = endpointOf(server)
  const { tls } = tlsTowards(servers, trust)
  return tls ? connect({ host, port, ...(tls as object) }) : connectPlainly({ host, port })
}

/** Whether the error, or a cause of it, says that a certificate is not trusted. */
export function isCertificateError(error: unknown): boolean {
  for (let at = error; at instanceof Error; at = at.cause) {
    const { code = '' } = at as NodeJS.ErrnoException
    if (/CERT|UNABLE_TO_(VERIFY|GET)|ALTNAME/.test(code)) return true
  }
  return false
}

function issuerOf(shown: PeerCertificate): string | undefined {
  const { issuerCertificate: issuer } = shown as PeerCertificate & { issuerCertificate?: PeerCertificate }
  if (!issuer?.raw || issuer.raw.equals(shown.raw)) return undefined
  return new X509Certificate(issuer.raw).toString()
}

/**
 * The authority shown by the first of these brokers to answer, as PEM; undefined if none answers with TLS. Sends nothing to
 * the broker, and proves nothing yet: only a connection that trusts this authority proves that the broker is of it.
 */
export function fetchAuthority(servers: readonly string[]): Promise<string | undefined> {
  const shown = async (server: string) => {
    const authority = await lookAt(endpointOf(server))
    if (authority === undefined) throw new Error(`${server} shows none`)
    return authority
  }
  // All at once, so that brokers that stand still cost nothing while another answers.
  return Promise.any(servers.filter(isSecure).map(shown)).catch(() => undefined)
}

function lookAt({ host, port }: Endpoint): Promise<string | undefined> {
  const { promise, resolve } = Promise.withResolvers<string | undefined>()
  const socket = connect({ host, port, rejectUnauthorized: false, minVersion: 'TLSv1.3' }, () => {
    resolve(issuerOf(socket.getPeerCertificate(true)))
    socket.destroy()
  })
  socket.setTimeout(certificateTunables.fetchWithinMs, () => socket.destroy())
  socket.on('error', () => {})
  socket.on('close', () => resolve(undefined))
  return promise
}
