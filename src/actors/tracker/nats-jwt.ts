// NATS's JSON web tokens over node:crypto's Ed25519: in pure JavaScript, signing slowed logins down.

import { createHash, verify } from 'node:crypto'
import { InvalidKey, openSeed, readPublicKey } from '../device/nkey.ts'

const header = Buffer.from(JSON.stringify({ typ: 'JWT', alg: 'ed25519-nkey' })).toString('base64url')

/** The token is malformed, or not signed by the issuer it names. */
export class InvalidToken extends Error {
  override readonly name = 'InvalidToken'
  readonly code = 'invalid-token'
}

export interface TokenSigner {
  /** The claims with `iss`, `iat` and `jti` filled in, signed. */
  sign(claims: Readonly<Record<string, unknown>>): string
}

export function createTokenSigner(seed: string): TokenSigner {
  const { publicKey: issuer, sign } = openSeed(seed)
  return {
    sign(claims) {
      const body = { ...claims, iss: issuer, iat: Math.floor(Date.now() / 1000) }
      const jti = createHash('sha256').update(JSON.stringify(body)).digest('hex')
      const signed = `${header}.${Buffer.from(JSON.stringify({ ...body, jti })).toString('base64url')}`
      return `${signed}.${sign(Buffer.from(signed)).toString('base64url')}`
    },
  }
}

/** The claims of a token, checked to be signed by its `iss`. Throws InvalidToken. */
export function readToken(token: string): { readonly iss: string; readonly [claim: string]: unknown } {
  const [head, body, signature, more] = token.split('.')
  if (head === undefined || body === undefined || signature === undefined || more !== undefined)
    throw new InvalidToken('a token has three parts')
  try {
    const claims = JSON.parse(Buffer.from(body, 'base64url').toString()) as { iss: string }
    const key = readPublicKey(String(claims.iss))
    if (verify(null, Buffer.from(`${head}.${body}`), key, Buffer.from(signature, 'base64url'))) return claims
  } catch (cause) {
    throw new InvalidToken(cause instanceof InvalidKey ? cause.message : 'a token cannot be read', { cause })
  }
  throw new InvalidToken('a token is not signed by its issuer')
}
