// NATS's auth callout protocol: a broker's question about one connection, and the answer. Questions are sealed for the
// trackers' curve key and signed by the broker; answers are sealed for that broker and signed by the issuer it trusts.

import { fromCurveSeed } from '@nats-io/nkeys'
import * as z from 'zod'
import { ticketTunables } from '../../../config/swarm.ts'
import type { ClusterSecrets } from '../../wire/cluster-secrets.ts'
import { createTokenSigner, InvalidToken, readToken } from './nats-jwt.ts'
import type { Grant } from './permissions.ts'

export const calloutSubject = '$SYS.REQ.USER.AUTH'
/** On a sealed question: the public curve key of the broker that asks. */
export const serverXkeyHeader = 'Nats-Server-Xkey'
/** The account that people's connections live in. */
export const peopleAccount = 'SHOAL'

const questionSchema = z.object({
  iat: z.number().int().positive(),
  aud: z.literal('nats-authorization-request'),
  iss: z.string(),
  nats: z.object({
    type: z.literal('authorization_request'),
    server_id: z.object({ id: z.string() }),
    user_nkey: z.string(),
    client_info: z.object({ host: z.string().max(64) }),
    connect_opts: z.object({ user: z.string().max(300).default(''), pass: z.string().max(2_000).default('') }),
  }),
})

export interface AuthRequest {
  readonly user: string
  readonly pass: string
  /** The address that the broker saw the connection come from. */
  readonly host: string
  /** When it was asked, by the broker's clock, in seconds since 1970. */
  readonly askedAt: number
  /** Names this question in the answer. */
  readonly userKey: string
  readonly serverId: string
  /** Which of our keys it was sealed for, and is answered with. */
  readonly keys: number
}

/** What a broker's token asks, but for whose keys it was sealed. Throws InvalidToken. */
export function readAuthRequest(token: string): Omit<AuthRequest, 'keys'> {
  const question = questionSchema.safeParse(readToken(token))
  if (!question.success) throw new InvalidToken('a question has an unknown form', { cause: question.error })
  const { iss, iat: askedAt, nats } = question.data
  if (iss !== nats.server_id.id) throw new InvalidToken('a question is not signed by the broker it names')
  const { user_nkey: userKey, server_id: server } = nats
  return { ...nats.connect_opts, host: nats.client_info.host, askedAt, userKey, serverId: server.id }
}

export interface AuthCallout {
  /** Throws InvalidToken for what no broker of this cluster sealed and signed. */
  open(sealed: Uint8Array, serverXkey: string): AuthRequest
  /** Lets the connection in, with these permissions and no others. */
  grant(question: AuthRequest, grant: Grant, serverXkey: string): Uint8Array
  deny(question: AuthRequest, serverXkey: string): Uint8Array
}

/** Null when it was sealed for other keys. Throws InvalidToken when it, or the key it names, is malformed. */
function unseal(curve: ReturnType<typeof fromCurveSeed>, sealed: Uint8Array, by: string): Uint8Array | null {
  try {
    return curve.open(sealed, by)
  } catch (cause) {
    throw new InvalidToken('a question is not sealed', { cause })
  }
}

type Keys = Pick<ClusterSecrets, 'issuerSeed' | 'xkeySeed'>

/** While keys are rotated, brokers ask by the old ones or by the next. */
export function createAuthCallout(secrets: Keys & { readonly next?: Keys | undefined }): AuthCallout {
  const sets = [secrets, ...(secrets.next ? [secrets.next] : [])].map(({ issuerSeed, xkeySeed }) => ({
    issuer: createTokenSigner(issuerSeed),
    curve: fromCurveSeed(Buffer.from(xkeySeed)),
  }))
  const keysOf = ({ keys }: AuthRequest) => {
    const set = sets[keys]
    if (!set) throw new Error('bug: a question sealed for keys that are not ours')
    return set
  }

  const answer = (question: AuthRequest, serverXkey: string, content: object) => {
    const { userKey, serverId } = question
    const { issuer, curve } = keysOf(question)
    const nats = { type: 'authorization_response', version: 2, ...content }
    return curve.seal(Buffer.from(issuer.sign({ sub: userKey, aud: serverId, nats })), serverXkey)
  }

  return {
    open(sealed, serverXkey) {
      const tokens = sets.map(({ curve }) => unseal(curve, sealed, serverXkey))
      const keys = tokens.findIndex(Boolean)
      const token = tokens[keys]
      if (!token) throw new InvalidToken('a question is not sealed for us')
      return { ...readAuthRequest(Buffer.from(token).toString()), keys }
    },

    grant(question, { name, publish, subscribe, mostSeconds = ticketTunables.brokerLoginSeconds, endsAt }, serverXkey) {
      // By the broker's clock, since it is the broker that ends it.
      const longest = question.askedAt + mostSeconds
      const jwt = keysOf(question).issuer.sign({
        sub: question.userKey,
        aud: peopleAccount,
        name,
        exp: endsAt === undefined ? longest : Math.min(longest, Math.floor(endsAt / 1000)),
        nats: {
          type: 'user',
          version: 2,
          // An empty list of what is allowed would allow everything.
          pub: publish.length > 0 ? { allow: publish } : { deny: ['>'] },
          sub: { allow: subscribe },
          // Brokers ignore limits in here; their own configuration limits subscriptions and messages.
          subs: -1,
          payload: -1,
          data: -1,
        },
      })
      return answer(question, serverXkey, { jwt })
    },

    deny: (question, serverXkey) => answer(question, serverXkey, { error: 'not accepted' }),
  }
}
