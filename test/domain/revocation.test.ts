import test from 'ava'
import fc from 'fast-check'
import {
  type Access,
  isVoid,
  type Revocation,
  type Revocations,
  type RevokedAccess,
  withRevocation,
} from '../../src/domain/revocation.ts'

const user = fc.constantFrom('alice', 'bob')
const device = fc.constantFrom('aaaaaaaaaaaa', 'bbbbbbbbbbbb')
const group = fc.constantFrom('reef', 'wood')
const share = fc.constantFrom('0'.repeat(32), 'f'.repeat(32))
const seq = fc.nat({ max: 20 })
const revocation: fc.Arbitrary<Revocation> = fc.oneof(
  fc.record({ kind: fc.constant('membership' as const), user, group, seq }),
  fc.record({ kind: fc.constant('device' as const), user, device, seq }),
  fc.record({ kind: fc.constant('share' as const), share, seq }),
)
const access: fc.Arbitrary<Access> = fc.record({ holder: fc.record({ user, device }), group, share, seq })

const concerns = (revoked: RevokedAccess, { holder, ...of }: Access): boolean => {
  if (revoked.kind === 'membership') return revoked.user === holder.user && revoked.group === of.group
  if (revoked.kind === 'device') return revoked.user === holder.user && revoked.device === holder.device
  return revoked.share === of.share
}
const all = (revocations: readonly Revocation[]) =>
  revocations.reduce<Revocations>((known, one) => withRevocation(known, one, 1_000, 500), new Map())

test('A ticket is void exactly if something that it needs was revoked at its sequence or later, in whatever order that is heard.', t => {
  fc.assert(
    fc.property(fc.array(revocation, { maxLength: 8 }), access, (revocations, ticket) => {
      const expected = revocations.some(one => concerns(one, ticket) && ticket.seq <= one.seq)
      t.is(isVoid(all(revocations), ticket), expected)
      t.is(isVoid(all(revocations.toReversed()), ticket), expected)
    }),
  )
})

test('A revocation is remembered for as long as was asked after it was last heard, and forgotten then.', t => {
  const ticket = { holder: { user: 'bob', device: 'bbbbbbbbbbbb' }, group: 'reef', share: '0'.repeat(32), seq: 1 }
  const bobs = { kind: 'membership', user: 'bob', group: 'reef', seq: 3 } as const
  const other = { kind: 'share', share: 'f'.repeat(32), seq: 9 } as const
  const known = withRevocation(new Map(), bobs, 1_000, 500)
  t.true(isVoid(withRevocation(known, other, 1_499, 500), ticket))
  t.false(isVoid(withRevocation(known, other, 1_500, 500), ticket))
  const again = withRevocation(known, { ...bobs, seq: 2 }, 1_400, 500)
  t.true(isVoid(withRevocation(again, other, 1_800, 500), ticket))
  t.is(again.get('membership bob reef')?.seq, 3)
})
