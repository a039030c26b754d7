import test from 'ava'
import { createAccessRecheck } from '../../../src/actors/agent/access-recheck.ts'
import { done, type Outcome, refuse } from '../../../src/domain/refusal.ts'
import type { ServedShare } from '../../../src/wire/tracker-api.ts'

const served: ServedShare = {
  share: 'f'.repeat(32),
  group: 'reef',
  name: 'film.bin',
  isRecorded: true,
  holders: [{ user: 'mallory', device: 'bbbbbbbbbbbb' }],
}
const revoked = { kind: 'membership', user: 'mallory', group: 'reef' } as const

function recheckOf(answer: Outcome<unknown>, shares: ServedShare[] = [served]) {
  const asked: ServedShare[][] = []
  const told: unknown[] = []
  const ending = new AbortController()
  const recheck = createAccessRecheck(
    {
      trackers: {
        async ask(_: string, params: { shares: ServedShare[] }) {
          asked.push(params.shares)
          return answer
        },
      } as never,
      served: () => shares,
      onRevoked: revocations => told.push(...revocations),
      onLoggedOut: () => told.push('logged out'),
    },
    ending.signal,
  )
  return { recheck, asked, told, ending }
}

test('A revocation carries the log position of the answer, and its epoch when there is one.', async t => {
  const plain = recheckOf(done({ seq: 7, withdrawn: [revoked] }))
  await plain.recheck()
  t.deepEqual(plain.told, [{ ...revoked, seq: 7 }])
  const restored = recheckOf(done({ seq: 7, epoch: 2, withdrawn: [revoked] }))
  await restored.recheck()
  t.deepEqual(restored.told, [{ ...revoked, seq: 7, epoch: 2 }])
})

test('Nothing is told when nothing was revoked, or the trackers are away; a void login is.', async t => {
  for (const answer of [done({ seq: 7, withdrawn: [] }), refuse('unreachable', 'no tracker')]) {
    const { recheck, told } = recheckOf(answer)
    await recheck()
    t.deepEqual(told, [])
  }
  const { recheck, told } = recheckOf(refuse('not-logged-in', 'logged out'))
  await recheck()
  t.deepEqual(told, ['logged out'])
})

test('The trackers are not asked while no peer is served, and nothing is reported after the end.', async t => {
  const idle = recheckOf(done({ seq: 7, withdrawn: [revoked] }), [])
  await idle.recheck()
  t.deepEqual(idle.asked, [])
  const ended = recheckOf(done({ seq: 7, withdrawn: [revoked] }))
  const asking = ended.recheck()
  ended.ending.abort()
  await asking
  await ended.recheck()
  t.deepEqual([ended.asked.length, ended.told], [1, []])
})
