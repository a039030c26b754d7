import test from 'ava'
import fc from 'fast-check'
import { relayTunables } from '../../config/swarm.ts'
import { decodeRelayMessage, encodeRelayMessage, type RelayMessage } from '../../src/wire/relay-messages.ts'

const u32 = fc.integer({ min: 0, max: 0xffffffff })
const message: fc.Arbitrary<RelayMessage> = fc.oneof(
  u32.map(version => ({ type: 'open' as const, version })),
  fc.record({
    type: fc.constant('data' as const),
    before: u32,
    chunk: fc.uint8Array({ minLength: 1, maxLength: 100 }).map(bytes => Buffer.from(bytes)),
  }),
  fc.record({ type: fc.constant('credit' as const), taken: u32, sent: u32 }),
  u32.map(sent => ({ type: 'end' as const, sent })),
  fc.constant({ type: 'reset' as const }),
)

test('Every relay message is decoded as it was encoded.', t => {
  fc.assert(fc.property(message, said => void t.deepEqual(decodeRelayMessage(encodeRelayMessage(said)), said)))
})

test('Bytes that are not a relay message are refused, and so is more than a chunk.', t => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 20 }), bytes => {
      const said = decodeRelayMessage(bytes)
      t.true(said === undefined || encodeRelayMessage(said).equals(bytes))
    }),
  )
  t.is(
    decodeRelayMessage(Buffer.concat([Buffer.from([2, 0, 0, 0, 0]), Buffer.alloc(relayTunables.chunkBytes + 1)])),
    undefined,
  )
  t.is(decodeRelayMessage(Buffer.from([2, 0, 0, 0, 0])), undefined)
})
