import test from 'ava'
import fc from 'fast-check'
import { type BrokerLogin, fromConnect, toConnect } from '../../src/wire/broker-login.ts'

const logins: BrokerLogin[] = [
  { kind: 'guest', nonce: '0123456789abcdef0123456789abcdef' },
  { kind: 'password', user: 'alice', password: 'a.b c\n*' },
  { kind: 'device', user: 'alice', device: 'aaaaaaaaaaaa', credential: 'x'.repeat(43) },
  { kind: 'relay', user: 'alice', device: 'aaaaaaaaaaaa', credential: 'x'.repeat(43) },
  { kind: 'watch', user: 'alice', device: 'aaaaaaaaaaaa', expiresAt: 1_800_000_000_000, proof: 'p'.repeat(43) },
  { kind: 'operator', expiresAt: 1_800_000_000_000, proof: 'p'.repeat(43) },
]
for (const login of logins)
  test(`A log-in of kind ${login.kind} is read as it was written.`, t => {
    const { user, pass } = toConnect(login)
    t.deepEqual(fromConnect(user, pass), login)
  })

const none = [
  ...['', '.', '..', '.guest.', '.guest.0123', '.guest.0123456789ABCDEF0123456789ABCDEF', '.alice', 'alice.'],
  ...['alice.aaaaaaaaaaaa.', 'alice.aaaaaaaaaaaa.x', 'alice.short', 'alice.AAAAAAAAAAAA', '*', 'alice.*', '>', 'a b'],
  ...['alice\n', '.guest.0123456789abcdef0123456789abcdef\n', '.guest.0123456789abcdef0123456789abcdef.x'],
  ...['.watch', '.watch.', '.watch.0', '.watch.01', '.watch.1e3', '.watch.1.alice', '.watch.1.alice.short'],
  ...['.watch.1.*.aaaaaaaaaaaa', '.watch.1.alice.aaaaaaaaaaaa.x', '.watch.1000000000000000'],
  ...[
    '.relay',
    '.relay.',
    '.relay.alice',
    '.relay.alice.short',
    '.relay.*.aaaaaaaaaaaa',
    '.relay.alice.aaaaaaaaaaaa.x',
  ],
  'a'.repeat(10_000),
]
for (const user of none)
  test(`The text ${JSON.stringify(user.slice(0, 50))} (${user.length}) is not a log-in.`, t =>
    t.is(fromConnect(user, 'pass'), undefined))

test('No two texts are the same log-in.', t => {
  const texts = fc.oneof(fc.string({ unit: 'binary' }), fc.stringMatching(/^[.a-z0-9-]{0,20}\.?[a-z0-9]{12}$/))
  fc.assert(
    fc.property(texts, fc.string(), (user, pass) => {
      const login = fromConnect(user, pass)
      return login === undefined || toConnect(login).user === user
    }),
  )
  t.pass()
})
