// What a broker sends or passes on: questions of the auth callout, logins, and watch logins. An admitted
// login gets permissions of the shape that every login of its kind gets, whatever name it claims.

import { deepStrictEqual } from 'node:assert/strict'
import { createAccount, createCurve, createServer, createUser, fromCurveSeed } from '@nats-io/nkeys'
import { createAuthCallout, readAuthRequest } from '../../src/actors/tracker/auth-callout.ts'
import { createTokenSigner, InvalidToken, readToken } from '../../src/actors/tracker/nats-jwt.ts'
import { grantFor, type ProvenLogin } from '../../src/actors/tracker/permissions.ts'
import { type BrokerLogin, fromConnect, toConnect } from '../../src/wire/broker-login.ts'
import { isWatchProof, operatorLogin, watchLogin } from '../../src/wire/watch-login.ts'
import { demand, isDeep, type Target } from './target.ts'

const seedOf = (pair: { getSeed(): Uint8Array }) => Buffer.from(pair.getSeed()).toString()
const server = createServer()
const signer = createTokenSigner(seedOf(server))
const secrets = { issuerSeed: seedOf(createAccount()), xkeySeed: seedOf(createCurve()) }
const callout = createAuthCallout(secrets)
const ours = fromCurveSeed(Buffer.from(secrets.xkeySeed)).getPublicKey()
const curve = createCurve()

const device = 'aaaaaaaaaaaa'
const guest = { user: `.guest.${'1'.repeat(32)}`, pass: '' }
const claims = (connect: object) => ({
  aud: 'nats-authorization-request',
  nats: {
    type: 'authorization_request',
    server_id: { id: server.getPublicKey(), name: 'n1' },
    user_nkey: createUser().getPublicKey(),
    client_info: { host: '10.0.0.7' },
    connect_opts: connect,
  },
})
const questions = [claims({ user: `alice.${device}`, pass: 'c'.repeat(43) }), claims({ user: 'alice', pass: 'p' })]

function parse(bytes: Buffer): unknown {
  try {
    return JSON.parse(bytes.toString())
  } catch {
    return undefined
  }
}

/** Any other error is a fault. */
function orInvalid<T>(read: () => T): T | undefined {
  try {
    return read()
  } catch (error) {
    if (error instanceof InvalidToken) return undefined
    throw error
  }
}

const benign: Record<BrokerLogin['kind'], ProvenLogin> = {
  guest: { kind: 'guest', nonce: '1'.repeat(32) },
  password: { kind: 'password', user: 'alice', version: 'v' },
  device: { kind: 'device', user: 'alice', device, credential: 'c' },
  relay: { kind: 'relay', user: 'alice', device, credential: 'c' },
  watch: { kind: 'watch', user: 'alice', device, expiresAt: 1, proof: 'p' },
  operator: { kind: 'operator', expiresAt: 1, proof: 'p' },
}
/** Which tokens of a subject are wildcards: a user's name must not produce one. */
const shapeOf = (subject: string) => {
  demand(/^\S+$/.test(subject), `a subject with white space in it: ${JSON.stringify(subject)}`)
  return subject.split('.').map(token => (token === '*' || token === '>' ? token : 'x'))
}

function demandUsualGrant(login: BrokerLogin, host: string): void {
  const proven: ProvenLogin = login.kind === 'password' ? { kind: login.kind, user: login.user, version: 'v' } : login
  const grant = grantFor(proven, host)
  const usual = grantFor(benign[login.kind], '10.0.0.7')
  deepStrictEqual(grant.publish.map(shapeOf), usual.publish.map(shapeOf))
  deepStrictEqual(grant.subscribe.map(shapeOf), usual.subscribe.map(shapeOf))
}

const questionTarget: Target = {
  name: 'question of the auth callout',
  valid: [...questions, claims(guest), claims({})],
  take(bytes) {
    const value = parse(bytes)
    // It cannot be signed as a token.
    demand(orInvalid(() => readToken(bytes.toString('latin1'))) === undefined, 'an unsigned token was taken')
    // Signing writes it as JSON, by recursion.
    if (typeof value !== 'object' || value === null || Array.isArray(value) || isDeep(value)) return false
    const question = orInvalid(() => readAuthRequest(signer.sign(value as Record<string, unknown>)))
    if (!question) return false
    demand(question.serverId === server.getPublicKey(), 'a question of another broker')
    const login = fromConnect(question.user, question.pass)
    if (login) demandUsualGrant(login, question.host)
    return true
  },
}

/** The seal, and the key it claims to be sealed with. Pure JavaScript does this, so it is expensive. */
const sealTarget: Target = {
  name: 'seal of the auth callout',
  share: 0.02,
  valid: [{ by: curve.getPublicKey(), cut: 0, flip: 0 }],
  take(bytes) {
    const { by, cut, flip } = (parse(bytes) ?? {}) as { by?: unknown; cut?: unknown; flip?: unknown }
    const sealed = Buffer.from(curve.seal(Buffer.from(signer.sign(questions[0]!)), ours))
    const at = Math.abs(Math.trunc(Number(flip))) % sealed.length
    if (Number(flip) > 0) sealed[at]! ^= 1
    const part = sealed.subarray(Math.max(0, Math.trunc(Number(cut)) || 0))
    const question = orInvalid(() => callout.open(part, typeof by === 'string' ? by : bytes.toString('latin1')))
    if (!question) return false
    demand(by === curve.getPublicKey() && part.equals(sealed) && !(Number(flip) > 0), 'a broken seal was opened')
    return true
  },
}

const key = Buffer.alloc(32, 7)
const now = 1_800_000_000_000
const mostMs = 3_600_000
const watcher = { user: 'alice', device }
const watchTarget: Target = {
  name: 'log-in that only watches',
  valid: [
    toConnect(watchLogin(watcher, key, now + 1_000)),
    toConnect(operatorLogin(key, now + 1_000)),
    toConnect(watchLogin(watcher, key, now - 1)),
    toConnect(watchLogin(watcher, key, now + 2 * mostMs)),
  ],
  take(bytes) {
    const { user, pass } = (parse(bytes) ?? {}) as { user?: unknown; pass?: unknown }
    if (typeof user !== 'string' || typeof pass !== 'string') return false
    const login = fromConnect(user, pass)
    if (login?.kind !== 'watch' && login?.kind !== 'operator') return false
    if (!isWatchProof(login, key, now, mostMs)) return false
    const made = login.kind === 'watch' ? watchLogin(login, key, login.expiresAt) : operatorLogin(key, login.expiresAt)
    deepStrictEqual(toConnect(made), { user, pass })
    demand(login.expiresAt > now && login.expiresAt <= now + mostMs, 'a log-in that has ended, or that never ends')
    demandUsualGrant(login, '10.0.0.7')
    return true
  },
}

export const brokerTargets: readonly Target[] = [questionTarget, sealTarget, watchTarget]
