// Whom a device serves next: single rules by examples, and what holds after any series of events.

import test from 'ava'
import fc from 'fast-check'
import { type Bitfield, createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { type Choker, createChoker } from '../../src/domain/choker.ts'

const places = { places: 2, placesAhead: 2, placesAheadPerAnswer: 0, slowTurnFactor: 3, slowTurnLeastMs: 100 }
const nothing = createBitfield(8)

function scheduleOf(links: readonly string[], own: Bitfield = nothing, share = 'film'): Choker {
  const schedule = createChoker(places)
  for (const link of links) schedule.opened(link, share, own)
  return schedule
}

/** Asks, and gives the turns that follow. */
function ask(schedule: Choker, link: string, piece: number, nowMs = 1): string[] {
  const answer = schedule.asked(link, piece, nowMs)
  return [answer, ...schedule.next(nowMs).map(turn => `${turn.type} ${turn.link}`)]
}

test('a single reader is never held back', t => {
  const schedule = scheduleOf(['a'])
  for (let piece = 0; piece < 8; piece += 1) t.deepEqual(ask(schedule, 'a', piece), ['accepted', 'serve a'])
})

test('whoever finds no place is told so, and called once somebody is done', t => {
  const schedule = scheduleOf(['a', 'b', 'c', 'd', 'e'])
  t.deepEqual(ask(schedule, 'a', 0), ['accepted', 'serve a'])
  t.deepEqual(ask(schedule, 'b', 0), ['accepted', 'serve b'])
  t.deepEqual(ask(schedule, 'c', 0), ['accepted'])
  t.deepEqual(ask(schedule, 'd', 0), ['accepted'])
  t.deepEqual(ask(schedule, 'e', 0), ['busy'])
  schedule.settled('a', 0, 10)
  t.deepEqual(schedule.next(10), [
    { type: 'serve', link: 'c', piece: 0 },
    { type: 'call', link: 'e' },
  ])
  t.deepEqual(ask(schedule, 'e', 3, 11), ['accepted'])
})

test('who was served longest ago is called first', t => {
  const schedule = scheduleOf(['a', 'b', 'c', 'd', 'e', 'f'])
  for (const link of ['a', 'b', 'c', 'd']) ask(schedule, link, 0)
  t.deepEqual(ask(schedule, 'e', 1), ['busy'])
  t.deepEqual(ask(schedule, 'a', 1), ['busy'])
  schedule.settled('b', 0, 10)
  t.deepEqual(
    schedule.next(10).map(turn => turn.link),
    ['c', 'e'],
  )
})

test('whoever is called and wants nothing makes room for the next', t => {
  const schedule = scheduleOf(['a', 'b', 'c', 'd', 'e', 'f'])
  for (const link of ['a', 'b', 'c', 'd', 'e', 'f']) ask(schedule, link, 0)
  schedule.settled('a', 0, 10)
  t.deepEqual(
    schedule.next(10).map(turn => turn.link),
    ['c', 'e'],
  )
  schedule.passed('e', 10)
  t.deepEqual(schedule.next(11), [{ type: 'call', link: 'f' }])
})

test('a turn that takes far too long holds no place, and the schedule says when to look again', t => {
  const schedule = scheduleOf(['a', 'b', 'c'])
  for (const link of ['a', 'b', 'c']) ask(schedule, link, 0)
  t.is(schedule.wakeAtMs(50), 101)
  t.deepEqual(schedule.next(100), [])
  t.deepEqual(schedule.next(101), [{ type: 'serve', link: 'c', piece: 0 }])
})

test('what went to somebody else is declined once, while something went to nobody', t => {
  const schedule = scheduleOf(['a', 'b'], fullBitfield(8))
  t.deepEqual(ask(schedule, 'a', 0), ['accepted', 'serve a'])
  t.is(schedule.asked('b', 0, 1), 'declined')
  t.false(schedule.freshOf('b')?.has(0))
  t.is(schedule.freshOf('b')?.count, 7)
  t.is(schedule.asked('b', 0, 2), 'accepted')
})

test('once everything went out, and for what somebody has lost with its link, nothing is declined', t => {
  const schedule = scheduleOf(['a', 'b', 'c'], fullBitfield(2))
  schedule.asked('a', 0, 1)
  schedule.closed('a')
  t.true(schedule.freshOf('b')?.has(0))
  schedule.asked('b', 0, 1)
  schedule.asked('b', 1, 1)
  schedule.next(1)
  t.is(schedule.freshOf('b')?.count, 0)
  t.not(schedule.asked('c', 1, 2), 'declined')
})

test('another share is served beside a busy one: its link waits for one turn, not for all', t => {
  const schedule = scheduleOf(['a', 'b', 'c', 'd', 'e'])
  schedule.opened('small', 'song', nothing)
  for (const link of ['a', 'b', 'c', 'd', 'e']) ask(schedule, link, 0)
  ask(schedule, 'small', 0)
  const order: string[] = []
  for (let turn = 1; turn < 8 && !order.includes('small'); turn += 1) {
    const served = ['a', 'b', 'c', 'd', 'e'][turn - 1]!
    schedule.settled(served, 0, 1)
    for (const { type, link } of schedule.next(1)) {
      if (type === 'serve') order.push(link)
      else schedule.asked(link, 0, 1)
    }
  }
  t.true(order.includes('small'))
})

test('whatever happens, places are kept to, nobody is served what it did not ask for, and everybody who waits is called', t => {
  const names = ['a', 'b', 'c', 'd', 'e', 'f']
  const step = fc.tuple(
    fc.constantFrom('ask', 'settle', 'pass', 'close'),
    fc.constantFrom(...names),
    fc.nat({ max: 7 }),
  )
  fc.assert(
    fc.property(fc.array(step, { maxLength: 120 }), fc.boolean(), (steps, isSeed) => {
      const own = isSeed ? fullBitfield(8) : nothing
      const schedule = createChoker(places)
      const open = new Map(
        names.map(name => [name, { accepted: new Set<number>(), served: new Set<number>(), busy: false }]),
      )
      for (const name of names) schedule.opened(name, 'film', own)
      const takeTurns = () => {
        for (const turn of schedule.next(0)) {
          const link = open.get(turn.link)
          if (!link) throw new Error('a turn for somebody who left')
          if (turn.type === 'call') {
            if (!link.busy) throw new Error('called, and does not wait')
            link.busy = false
            continue
          }
          if (!link.accepted.delete(turn.piece)) throw new Error('served what was not accepted')
          const others = [...open].filter(([name, each]) => name !== turn.link && each.served.size > 0).length
          const isContended = [...open].some(([, each]) => each.accepted.size > 0 && each.served.size === 0)
          if (link.served.size === 0 && others >= places.places) throw new Error('more served than there are places')
          if (link.served.size > 0 && isContended) throw new Error('served on while another was accepted')
          link.served.add(turn.piece)
        }
      }
      for (const [what, name, piece] of steps) {
        const link = open.get(name)
        if (!link) continue
        if (what === 'ask' && !link.accepted.has(piece) && !link.served.has(piece)) {
          const answer = schedule.asked(name, piece, 0)
          if (answer === 'declined' && !isSeed) throw new Error('declined what everybody may have')
          if (answer === 'accepted') link.accepted.add(piece)
          if (answer === 'busy') link.busy = true
        } else if (what === 'settle') {
          schedule.settled(name, piece, 0)
          link.accepted.delete(piece)
          link.served.delete(piece)
        } else if (what === 'pass') schedule.passed(name, 0)
        else if (what === 'close') {
          schedule.closed(name)
          open.delete(name)
        }
        takeTurns()
      }
      // Let everything end: whoever was busy is called.
      for (let round = 0; round < 50; round += 1) {
        for (const [name, link] of open) {
          for (const piece of link.served) schedule.settled(name, piece, 0)
          link.served.clear()
          schedule.passed(name, 0)
        }
        takeTurns()
      }
      for (const [name, link] of open) {
        if (link.busy) throw new Error(`${name} waits for ever`)
        if (link.accepted.size > 0) throw new Error(`${name} was accepted and is never served`)
      }
    }),
    { numRuns: 300 },
  )
  t.pass()
})
