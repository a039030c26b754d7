import { createAccount, createCurve, createServer, createUser, fromCurveSeed, fromSeed } from '@nats-io/nkeys'
import test from 'ava'
import { createAuthCallout, peopleAccount } from '../../../src/actors/tracker/auth-callout.ts'
import { createTokenSigner, InvalidToken, readToken } from '../../../src/actors/tracker/nats-jwt.ts'
import { grantFor, type ProvenLogin } from '../../../src/actors/tracker/permissions.ts'

const text = (bytes: Uint8Array) => Buffer.from(bytes).toString()
const seed = (pair: { getSeed(): Uint8Array }) => text(pair.getSeed())

/** A broker that asks, and the trackers' side that answers. */
function fixture() {
  const secrets = { issuerSeed: seed(createAccount()), xkeySeed: seed(createCurve()) }
  const server = createServer()
  const serverCurve = createCurve()
  const callout = createAuthCallout(secrets)
  const callouts = fromCurveSeed(Buffer.from(secrets.xkeySeed)).getPublicKey()
  const userKey = createUser().getPublicKey()
  const nats = {
    type: 'authorization_request',
    server_id: { id: server.getPublicKey() },
    user_nkey: userKey,
    client_info: { host: '10.0.0.7' },
    connect_opts: { user: 'alice.aaaaaaaaaaaa', pass: 'credential' },
  }
  const ask = (change: object = {}, signer = server) => {
    const claims = { aud: 'nats-authorization-request', nats: { ...nats, ...change } }
    const token = createTokenSigner(seed(signer)).sign(claims)
    return serverCurve.seal(Buffer.from(token), callouts)
  }
  const opened = (sealed: Uint8Array) =>
    readToken(text(serverCurve.open(sealed, callouts) ?? new Uint8Array())) as unknown as {
      iss: string
      sub: string
      aud: string
      nats: { jwt?: string; error?: string }
    }
  const issuer = fromSeed(Buffer.from(secrets.issuerSeed)).getPublicKey()
  return { callout, server, serverXkey: serverCurve.getPublicKey(), userKey, ask, opened, issuer }
}

test('A broker’s question is opened, with the name and address of the connection.', t => {
  const { callout, server, serverXkey, userKey, ask } = fixture()
  const { askedAt, ...question } = callout.open(ask(), serverXkey)
  t.true(Math.abs(askedAt - Date.now() / 1000) < 60)
  t.deepEqual(question, {
    user: 'alice.aaaaaaaaaaaa',
    pass: 'credential',
    host: '10.0.0.7',
    userKey,
    keys: 0,
    serverId: server.getPublicKey(),
  })
})

test('A question without credentials is valid, and says that none were given.', t => {
  const { callout, serverXkey, ask } = fixture()
  const { user, pass } = callout.open(ask({ connect_opts: {} }), serverXkey)
  t.deepEqual({ user, pass }, { user: '', pass: '' })
})

test('A question signed by a key other than the named broker’s is refused.', t => {
  const { callout, serverXkey, ask } = fixture()
  t.throws(() => callout.open(ask({}, createServer()), serverXkey), { instanceOf: InvalidToken })
})

test('An altered or malformed question, or one sealed for another key, is refused.', t => {
  const { callout, serverXkey, ask } = fixture()
  const altered = ask()
  altered[altered.length - 1]! ^= 1
  t.throws(() => callout.open(altered, serverXkey))
  t.throws(() => callout.open(ask(), createCurve().getPublicKey()))
  t.throws(() => callout.open(ask({ user_nkey: 7 }), serverXkey), { instanceOf: InvalidToken })
})

test('A log-in as a guest or by password ends within a minute by the broker’s clock; a device’s log-in continues.', t => {
  const { callout, serverXkey, ask, opened } = fixture()
  // Another clock than the tracker's.
  const askedAt = 1_000_000
  const lastsSeconds = (login: ProvenLogin) => {
    const question = { ...callout.open(ask(), serverXkey), askedAt }
    const answer = opened(callout.grant(question, grantFor(login, '10.0.0.7'), serverXkey))
    return Number(readToken(answer.nats.jwt ?? '').exp) - askedAt
  }
  t.is(lastsSeconds({ kind: 'guest', nonce: '1'.repeat(32) }), 60)
  t.is(lastsSeconds({ kind: 'password', user: 'alice', version: 'v' }), 60)
  t.true(lastsSeconds({ kind: 'device', user: 'alice', device: 'aaaaaaaaaaaa', credential: 'c' }) > 3_600)
})

test('An answer that accepts a connection names the user, broker and account, and exactly the permissions granted.', t => {
  const { callout, server, serverXkey, userKey, ask, opened, issuer } = fixture()
  const grant = { name: 'alice.aaaaaaaaaaaa', publish: ['a.b'], subscribe: ['c.>'] }
  const answer = opened(callout.grant(callout.open(ask(), serverXkey), grant, serverXkey))
  t.like(answer, { iss: issuer, sub: userKey, aud: server.getPublicKey() })
  const user = readToken(answer.nats.jwt ?? '')
  t.like(user, { iss: issuer, sub: userKey, aud: peopleAccount, name: 'alice.aaaaaaaaaaaa' })
  t.like(user.nats, { type: 'user', pub: { allow: ['a.b'] }, sub: { allow: ['c.>'] } })
  t.true(Number(user.exp) > Date.now() / 1000)
})

test('An answer that refuses a connection carries an error and no permissions.', t => {
  const { callout, serverXkey, ask, opened } = fixture()
  const { nats } = opened(callout.deny(callout.open(ask(), serverXkey), serverXkey))
  t.is(nats.jwt, undefined)
  t.truthy(nats.error)
})

test('A token is read only if its own issuer signed it.', t => {
  const token = createTokenSigner(seed(createAccount())).sign({ a: 1 })
  const [head, , signature] = token.split('.')
  const forged = Buffer.from(JSON.stringify({ ...readToken(token), a: 2 })).toString('base64url')
  t.throws(() => readToken(`${head}.${forged}.${signature}`), { instanceOf: InvalidToken })
  for (const broken of ['', 'a.b', 'a.b.c', 'a.b.c.d', token.slice(0, -3)])
    t.throws(() => readToken(broken), { instanceOf: InvalidToken }, broken)
})

test('NATS’s own library accepts signatures made by Node.', t => {
  const pair = createAccount()
  const [head, body, signature] = createTokenSigner(seed(pair)).sign({ a: 1 }).split('.')
  t.true(pair.verify(Buffer.from(`${head}.${body}`), Buffer.from(signature ?? '', 'base64url')))
})

test('An unsealed question, or one sealed without a key, is refused like one sealed for another key.', t => {
  const { callout, serverXkey, ask } = fixture()
  for (const [sealed, by] of [
    [ask(), ''],
    [ask(), 'no key'],
    [new Uint8Array(3), serverXkey],
    [ask().subarray(1), serverXkey],
  ] as const)
    t.throws(() => callout.open(sealed, by), { instanceOf: InvalidToken }, by)
})
