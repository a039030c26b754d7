// A cluster's own certificate authority: made when a cluster first needs TLS, and replaced by a rotation. It signs the
// brokers' certificates and nothing else. Devices that trust the old authority can follow to the new one, since the old
// key signs the new certificate (`crosses`, which brokers send between their own and the new authority's).

import { randomBytes, webcrypto } from 'node:crypto'
import { isIP } from 'node:net'
import { certificateTunables } from '../../config/cluster.ts'
import type { Authority } from '../wire/cluster-secrets.ts'

type X509 = typeof import('@peculiar/x509')

const algorithm = { name: 'ECDSA', namedCurve: 'P-256', hash: 'SHA-256' }

let loading: Promise<X509> | undefined
/** Loaded only for signing: loading takes longer than a broker's start. */
const load = (): Promise<X509> => {
  // The library needs reflect-metadata to be loaded first.
  loading ??= import('reflect-metadata').then(() => import('@peculiar/x509'))
  return loading
}

/** Serial number and validity of any certificate. It is valid from a day ago, because clocks differ. */
const common = () => ({
  // A set first bit would make the number negative.
  serialNumber: `4${randomBytes(15).toString('hex')}0`,
  notBefore: new Date(Date.now() - certificateTunables.clocksDifferMs),
  notAfter: new Date(Date.now() + certificateTunables.lifetimeMs),
  signingAlgorithm: algorithm,
})

async function toPem(key: webcrypto.CryptoKey): Promise<string> {
  const base64 = Buffer.from(await webcrypto.subtle.exportKey('pkcs8', key)).toString('base64')
  return `-----BEGIN PRIVATE KEY-----\n${base64.replaceAll(/.{1,64}/g, '$&\n')}-----END PRIVATE KEY-----\n`
}

const signingKeyOf = ({ key }: Authority): Promise<webcrypto.CryptoKey> =>
  webcrypto.subtle.importKey(
    'pkcs8',
    Buffer.from(key.replaceAll(/-----[^-]+-----|\s/g, ''), 'base64'),
    algorithm,
    false,
    ['sign'],
  )

const makeKeys = (): Promise<webcrypto.CryptoKeyPair> =>
  webcrypto.subtle.generateKey(algorithm, true, ['sign', 'verify'])

/** A new authority; with `before`, one that devices trusting `before` can follow to. */
export async function createAuthority(before?: Authority): Promise<Authority> {
  const x509 = await load()
  const keys = await makeKeys()
  // Each authority has a different name: with equal names, one would be mistaken for the other before keys are compared.
  const name = `CN=Shoal cluster ${randomBytes(8).toString('hex')}`
  const extensions = [
    new x509.BasicConstraintsExtension(true, undefined, true),
    new x509.KeyUsagesExtension(x509.KeyUsageFlags.keyCertSign, true),
    await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
  ]
  const root = await x509.X509CertificateGenerator.createSelfSigned({ ...common(), name, keys, extensions })
  const crosses: string[] = []
  if (before) {
    const older = new x509.X509Certificate(before.certificate)
    const cross = await x509.X509CertificateGenerator.create({
      ...common(),
      subject: name,
      issuer: older.subject,
      publicKey: keys.publicKey,
      signingKey: await signingKeyOf(before),
      extensions: [...extensions, await x509.AuthorityKeyIdentifierExtension.create(older.publicKey)],
    })
    crosses.push(`${cross.toString('pem')}\n`, ...before.crosses.slice(0, certificateTunables.keptCrosses - 1))
  }
  return { certificate: `${root.toString('pem')}\n`, key: await toPem(keys.privateKey), crosses }
}

export interface Certified {
  /** PEM: the leaf first, then certificates that lead to an older authority that a device may still trust. */
  readonly chain: string
  readonly key: string
}

/** A new key and certificate for a broker with these names and addresses. */
export async function certify(authority: Authority, names: readonly string[]): Promise<Certified> {
  const x509 = await load()
  const keys = await makeKeys()
  const issuer = new x509.X509Certificate(authority.certificate)
  const leaf = await x509.X509CertificateGenerator.create({
    ...common(),
    subject: 'CN=Shoal broker',
    issuer: issuer.subject,
    publicKey: keys.publicKey,
    signingKey: await signingKeyOf(authority),
    extensions: [
      new x509.BasicConstraintsExtension(false, undefined, true),
      new x509.KeyUsagesExtension(x509.KeyUsageFlags.digitalSignature, true),
      // A broker is a server for clients, and a client of other brokers.
      new x509.ExtendedKeyUsageExtension([x509.ExtendedKeyUsage.serverAuth, x509.ExtendedKeyUsage.clientAuth]),
      await x509.SubjectKeyIdentifierExtension.create(keys.publicKey),
      await x509.AuthorityKeyIdentifierExtension.create(issuer.publicKey),
      new x509.SubjectAlternativeNameExtension(
        names.map(value => ({ type: isIP(value) === 0 ? ('dns' as const) : ('ip' as const), value })),
      ),
    ],
  })
  const chain = [`${leaf.toString('pem')}\n`, ...authority.crosses, authority.certificate]
  return { chain: chain.join(''), key: await toPem(keys.privateKey) }
}
