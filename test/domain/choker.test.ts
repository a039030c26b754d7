// Which peer a device serves next: single rules by examples, and what holds after any series of events.

import test from 'ava'
import fc from 'fast-check'
import { type Bitfield, createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { type Choker, createChoker } from '../../src/domain/choker.ts'

const settings = { slots: 2, slotsAhead: 2, slotsAheadPerAnswer: 0, slowServingFactor: 3, slowServingLeastMs: 100 }
const nothing = createBitfield(8)

function chokerOf(sessions: readonly string[], own: Bitfield = nothing, share = 'film'): Choker {
  const choker = createChoker(settings)
  for (const session of sessions) choker.opened(session, share, own)
  return choker
}

/** Asks, and returns the answer and the steps that follow. */
function ask(choker: Choker, session: string, piece: number, nowMs = 1): string[] {
  const answer = choker.asked(session, piece, nowMs)
  return [answer, ...choker.next(nowMs).map(step => `${step.type} ${step.session}`)]
}

test('A single peer is never held back.', t => {
  const choker = chokerOf(['a'])
  for (let piece = 0; piece < 8; piece += 1) t.deepEqual(ask(choker, 'a', piece), ['accepted', 'serve a'])
})

test('A peer that finds no slot is told so, and unchoked once another is done.', t => {
  const choker = chokerOf(['a', 'b', 'c', 'd', 'e'])
  t.deepEqual(ask(choker, 'a', 0), ['accepted', 'serve a'])
  t.deepEqual(ask(choker, 'b', 0), ['accepted', 'serve b'])
  t.deepEqual(ask(choker, 'c', 0), ['accepted'])
  t.deepEqual(ask(choker, 'd', 0), ['accepted'])
  t.deepEqual(ask(choker, 'e', 0), ['busy'])
  choker.settled('a', 0, 10)
  t.deepEqual(choker.next(10), [
    { type: 'serve', session: 'c', piece: 0 },
    { type: 'unchoke', session: 'e' },
  ])
  t.deepEqual(ask(choker, 'e', 3, 11), ['accepted'])
})

test('The peer that was served longest ago is unchoked first.', t => {
  const choker = chokerOf(['a', 'b', 'c', 'd', 'e', 'f'])
  for (const session of ['a', 'b', 'c', 'd']) ask(choker, session, 0)
  t.deepEqual(ask(choker, 'e', 1), ['busy'])
  t.deepEqual(ask(choker, 'a', 1), ['busy'])
  choker.settled('b', 0, 10)
  t.deepEqual(
    choker.next(10).map(step => step.session),
    ['c', 'e'],
  )
})

test('An unchoked peer that wants nothing makes room for the next.', t => {
  const choker = chokerOf(['a', 'b', 'c', 'd', 'e', 'f'])
  for (const session of ['a', 'b', 'c', 'd', 'e', 'f']) ask(choker, session, 0)
  choker.settled('a', 0, 10)
  t.deepEqual(
    choker.next(10).map(step => step.session),
    ['c', 'e'],
  )
  choker.passed('e', 10)
  t.deepEqual(choker.next(11), [{ type: 'unchoke', session: 'f' }])
})

test('A piece that takes far too long to serve frees its slot, and the choker says when to look again.', t => {
  const choker = chokerOf(['a', 'b', 'c'])
  for (const session of ['a', 'b', 'c']) ask(choker, session, 0)
  t.is(choker.wakeAtMs(50), 101)
  t.deepEqual(choker.next(100), [])
  t.deepEqual(choker.next(101), [{ type: 'serve', session: 'c', piece: 0 }])
})

test('A piece that went to another peer is declined once, while some piece went to no one.', t => {
  const choker = chokerOf(['a', 'b'], fullBitfield(8))
  t.deepEqual(ask(choker, 'a', 0), ['accepted', 'serve a'])
  t.is(choker.asked('b', 0, 1), 'declined')
  t.false(choker.freshOf('b')?.has(0))
  t.is(choker.freshOf('b')?.count, 7)
  t.is(choker.asked('b', 0, 2), 'accepted')
})

test('No piece is declined once all have been sent, nor a piece whose only holder has left.', t => {
  const choker = chokerOf(['a', 'b', 'c'], fullBitfield(2))
  choker.asked('a', 0, 1)
  choker.closed('a')
  t.true(choker.freshOf('b')?.has(0))
  choker.asked('b', 0, 1)
  choker.asked('b', 1, 1)
  choker.next(1)
  t.is(choker.freshOf('b')?.count, 0)
  t.not(choker.asked('c', 1, 2), 'declined')
})

test('A peer of another share waits for one piece of a busy share, not for all of them.', t => {
  const choker = chokerOf(['a', 'b', 'c', 'd', 'e'])
  choker.opened('small', 'song', nothing)
  for (const session of ['a', 'b', 'c', 'd', 'e']) ask(choker, session, 0)
  ask(choker, 'small', 0)
  const order: string[] = []
  for (let round = 1; round < 8 && !order.includes('small'); round += 1) {
    const served = ['a', 'b', 'c', 'd', 'e'][round - 1]!
    choker.settled(served, 0, 1)
    for (const { type, session } of choker.next(1)) {
      if (type === 'serve') order.push(session)
      else choker.asked(session, 0, 1)
    }
  }
  t.true(order.includes('small'))
})

test('Peers served never exceed the slots, each is served only what it requested, and every waiting peer is unchoked.', t => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const step = fc.tuple(
    fc.constantFrom('ask', 'settle', 'pass', 'close'),
    fc.constantFrom(...names),
    fc.nat({ max: 7 }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, isSeed) => {
      const own = isSeed ? fullBitfield(8) : nothing
      const choker = createChoker(settings)
      const open = new Map(
        names.map(name => [name, { accepted: new Set<number>(), served: new Set<number>(), busy: false }]),
      )
      for (const name of names) choker.opened(name, 'film', own)
      const takeSteps = () => {
        for (const step of choker.next(0)) {
          const session = open.get(step.session)
          if (!session) throw new Error('a step for a session that has closed')
          if (step.type === 'unchoke') {
            if (!session.busy) throw new Error('unchoked, and does not wait')
            session.busy = false
            continue
          }
          if (!session.accepted.delete(step.piece)) throw new Error('served what was not accepted')
          const others = [...open].filter(([name, each]) => name !== step.session && each.served.size > 0).length
          const isContended = [...open].some(([, each]) => each.accepted.size > 0 && each.served.size === 0)
          if (session.served.size === 0 && others >= settings.slots) throw new Error('more served than there are slots')
          if (session.served.size > 0 && isContended) throw new Error('served on while another was accepted')
          session.served.add(step.piece)
        }
      }
      for (const [what, name, piece] of steps) {
        const session = open.get(name)
        if (!session) continue
        if (what === 'ask' && !session.accepted.has(piece) && !session.served.has(piece)) {
          const answer = choker.asked(name, piece, 0)
          if (answer === 'declined' && !isSeed) throw new Error('declined what anyone may have')
          if (answer === 'accepted') session.accepted.add(piece)
          if (answer === 'busy') session.busy = true
        } else if (what === 'settle') {
          choker.settled(name, piece, 0)
          session.accepted.delete(piece)
          session.served.delete(piece)
        } else if (what === 'pass') choker.passed(name, 0)
        else if (what === 'close') {
          choker.closed(name)
          open.delete(name)
        }
        takeSteps()
      }
      // Let everything end: every session that was told busy is unchoked.
      for (let round = 0; round < 50; round += 1) {
        for (const [name, session] of open) {
          for (const piece of session.served) choker.settled(name, piece, 0)
          session.served.clear()
          choker.passed(name, 0)
        }
        takeSteps()
      }
      for (const [name, session] of open) {
        if (session.busy) throw new Error(`${name} waits forever`)
        if (session.accepted.size > 0) throw new Error(`${name} was accepted and is never served`)
      }
    }),
    { numRuns: 300 },
  )
  t.pass()
})
