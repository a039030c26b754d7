// The secrets of one cluster, known to its operator and its trackers alone: made by cluster/secrets.ts, kept in a file of
// mode 600, given to a tracker when it starts. Never sent, never logged.

import * as z from 'zod'

const seed = (prefix: string) =>
  z.string().regex(new RegExp(`^${prefix}[A-Z2-7]{56}$`), `a seed that begins with ${prefix}`)

const pem = (what: string) =>
  z.string().regex(new RegExp(`^-----BEGIN ${what}-----\n[\\w+/=\n]+-----END ${what}-----\n$`), `a ${what} as PEM`)

/** See cluster/authority.ts. */
const authoritySchema = z.strictObject({
  certificate: pem('CERTIFICATE'),
  key: pem('PRIVATE KEY'),
  /** This authority's name and key, signed by the one before; and that one's by the one before it, and so on. */
  crosses: z.array(pem('CERTIFICATE')),
})
export type Authority = z.infer<typeof authoritySchema>

const secretSetSchema = z.strictObject({
  /** Account seed that signs what the auth callout answers. */
  issuerSeed: seed('SA'),
  /** Curve seed with which the brokers' questions to the callout are opened and its answers sealed. */
  xkeySeed: seed('SX'),
  /** User seeds with which a tracker connects to each of the three accounts, past the callout. */
  trackerSeeds: z.strictObject({ shoal: seed('SU'), auth: seed('SU'), sys: seed('SU') }),
  /** The key from which every device's ticket key comes: 32 bytes in base64url. */
  ticketSecret: z.string().regex(/^[\w-]{43}$/),
  /** What brokers show each other. */
  routePassword: z.string().regex(/^[\w-]{43}$/),
  /** Signs what brokers show. A cluster that never left the loopback has none. */
  authority: authoritySchema.optional(),
})
/** Everything of a cluster that is secret, at one time. */
export type SecretSet = z.infer<typeof secretSetSchema>

/** While they are rotated (cluster/rotate.ts) one of these is there besides. */
export const clusterSecretsSchema = secretSetSchema.extend({
  /** The next set: all trackers have loaded it, and brokers switch to it one by one. */
  next: secretSetSchema.optional(),
  /** The previous set: no broker uses it any more, but trackers' connections and tickets still may. */
  retiring: secretSetSchema.optional(),
  /** The set before is gone from here; a node that was not started since goes on to accept it. */
  forgetting: z.literal(true).optional(),
})
export type ClusterSecrets = z.infer<typeof clusterSecretsSchema>

/** The keys from which devices' ticket keys come, 32 bytes each: the present one, then those of a rotation under way. */
export const ticketSecretsOf = (
  secrets: Pick<ClusterSecrets, 'ticketSecret' | 'next' | 'retiring'>,
): [present: Buffer, ...others: Buffer[]] => {
  const bytesOf = ({ ticketSecret }: Pick<SecretSet, 'ticketSecret'>) => Buffer.from(ticketSecret, 'base64url')
  return [bytesOf(secrets), ...[secrets.next, secrets.retiring].filter(set => set !== undefined).map(bytesOf)]
}
