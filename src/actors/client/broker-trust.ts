// Whom a connection to brokers trusts: the one authority whose certificate it holds. What leaves this machine is TLS from
// the first byte, whatever the broker or the scheme of its address says, so nobody in between can talk it out of that.
// Brokers may show a new authority that the trusted one has signed (a rotation): it is followed, and the old one forgotten.

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

/** In what is read anew each time, and not kept. */
export const trustOf = (authority: () => string | undefined): Trust => ({ authority, follow() {} })
export const trustNobody = trustOf(() => undefined)

/** The brokers show no certificate of the authority that is trusted here, or none is. */
export class UntrustedBrokers extends Error {
  override readonly name = 'UntrustedBrokers'
  readonly code = 'untrusted'
}

/** Of its public key, so that it is the same whoever signed the certificate: SHA-256, 43 letters of base64url. */
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

/** Whether one speaks TLS there: everywhere but on the loopback, and there too where the address says so. */
export const isSecure = (server: string): boolean => /^tls:/i.test(server) || !isLoopback(endpointOf(server).host)

/** What brokers tell of each other has no scheme: they are spoken to as the ones that one knows are. */
export const alike = (told: readonly string[], known: readonly string[]): string[] =>
  known.some(isSecure) ? told.map(server => `tls://${server}`) : [...told]

/** Where it cannot be written down (a full disk), the old one still leads to it, and the next connection tries again. */
function keepTo(trust: Trust, authority: string): void {
  try {
    trust.follow(authority)
  } catch {}
}

/** Options for `connect` of nats. Throws UntrustedBrokers when there is something to trust and nobody is trusted. */
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
      // A disk that fails changes nothing about whom this device trusts.
    }
    return known
  }
  const tls = {
    get ca() {
      return trusted()
    },
    handshakeFirst: true,
    minVersion: 'TLSv1.3',
    // What is trusted may itself be signed by an older one, which nobody needs any more.
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
 * A bare connection to one of these brokers, trusting as every other does, for what speaks NATS itself.
 * Throws UntrustedBrokers as `tlsTowards` does; a broker that shows another authority's certificate is an 'error' of it.
 */
export function dialBroker(server: string, servers: readonly string[], trust: Trust): Socket {
  const { host, port } = endpointOf(server)
  const { tls } = tlsTowards(servers, trust)
  return tls ? connect({ host, port, ...(tls as object) }) : connectPlainly({ host, port })
}

/** Whether nats (or what caused its error) says that a certificate was not to be trusted. */
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
 * The authority that the first of these brokers to answer shows, as PEM; undefined when none answers with TLS. Nothing is
 * said to a broker meanwhile, and nothing proves yet that it has the authority's word: connecting with it does.
 */
export async function fetchAuthority(servers: readonly string[]): Promise<string | undefined> {
  for (const server of servers.filter(isSecure)) {
    const shown = await lookAt(endpointOf(server))
    if (shown) return shown
  }
  return undefined
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
