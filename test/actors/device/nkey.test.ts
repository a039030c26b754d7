// NATS's own library is the judge of our keys.

import { createAccount, createServer, createUser, fromPublic } from '@nats-io/nkeys'
import test from 'ava'
import { InvalidKey, nkeyLogin, openSeed, readPublicKey } from '../../../src/actors/device/nkey.ts'

const seedOf = (pair: { getSeed(): Uint8Array }) => Buffer.from(pair.getSeed()).toString()

test('A seed yields the same public key as in NATS’s own library, which accepts its signatures.', t => {
  for (const make of [createUser, createAccount, createServer])
    for (let round = 0; round < 5; round += 1) {
      const pair = make()
      const { publicKey, sign } = openSeed(seedOf(pair))
      t.is(publicKey, pair.getPublicKey())
      const data = Buffer.from(`round ${round}`)
      t.true(fromPublic(publicKey).verify(data, sign(data)))
      t.is(readPublicKey(publicKey).asymmetricKeyType, 'ed25519')
    }
})

test('A log-in signs the broker’s nonce.', async t => {
  const pair = createUser()
  const { nkey, sig } = (await nkeyLogin(seedOf(pair))('a nonce')) as { nkey: string; sig: string }
  t.is(nkey, pair.getPublicKey())
  t.true(pair.verify(Buffer.from('a nonce'), Buffer.from(sig, 'base64url')))
})

test('An invalid key is refused.', t => {
  for (const text of ['', 'SU', 'SUa', '1'.repeat(58), seedOf(createUser()).slice(0, 40)])
    t.throws(() => openSeed(text), { instanceOf: InvalidKey }, text)
  t.throws(() => readPublicKey('U'), { instanceOf: InvalidKey })
})
