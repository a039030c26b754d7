import test from 'ava'
import { epochOf, isLater } from '../../src/domain/log-position.ts'
import { isVoid, type Revocations, withRevocation } from '../../src/domain/revocation.ts'

test('Within one log the higher sequence is later; across logs, the newer log is; an unknown log counts as the same one.', t => {
  t.true(isLater({ epoch: 5, seq: 8 }, { epoch: 5, seq: 7 }))
  t.false(isLater({ epoch: 5, seq: 7 }, { epoch: 5, seq: 7 }))
  t.true(isLater({ epoch: 6, seq: 1 }, { epoch: 5, seq: 7 }))
  t.false(isLater({ epoch: 5, seq: 7 }, { epoch: 6, seq: 1 }))
  t.true(isLater({ epoch: 0, seq: 8 }, { epoch: 5, seq: 7 }))
  t.true(isLater({ epoch: 5, seq: 8 }, { epoch: 0, seq: 7 }))
})

test('The epoch of a log is its stream’s creation time in milliseconds; an invalid time is unknown.', t => {
  t.is(epochOf('2026-11-27T10:00:00.123456789Z'), Date.UTC(2026, 10, 27, 10, 0, 0, 123))
  t.is(epochOf('a while ago'), 0)
})

const of = { holder: { user: 'bob', device: 'bbbbbbbbbbbb' }, group: 'reef', share: 'f' }
const removed = { kind: 'membership', user: 'bob', group: 'reef' } as const
const heard = (...at: { seq: number; epoch: number }[]) =>
  at.reduce<Revocations>((known, each) => withRevocation(known, { ...removed, ...each }, 1, 1_000), new Map())

test('Access that a restored log grants is valid even if the previous log withdrew it at a higher sequence.', t => {
  const known = heard({ seq: 900, epoch: 5 })
  t.true(isVoid(known, { ...of, seq: 900, epoch: 5 }))
  t.false(isVoid(known, { ...of, seq: 100, epoch: 6 }))
})

test('A withdrawal in a restored log voids everything issued before it, at any sequence.', t => {
  for (const known of [
    heard({ seq: 900, epoch: 5 }, { seq: 100, epoch: 6 }),
    heard({ seq: 100, epoch: 6 }, { seq: 900, epoch: 5 }),
  ]) {
    t.true(isVoid(known, { ...of, seq: 950, epoch: 5 }))
    t.true(isVoid(known, { ...of, seq: 100, epoch: 6 }))
    t.false(isVoid(known, { ...of, seq: 101, epoch: 6 }))
  }
})
