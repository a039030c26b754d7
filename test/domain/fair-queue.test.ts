import test from 'ava'
import fc from 'fast-check'
import { createFairQueue } from '../../src/domain/fair-queue.ts'

/** Serves until the queue is empty, each using `bytes`; returns the items served. */
function serveAll(turns: ReturnType<typeof createFairQueue<string>>, bytes = 1) {
  const order: string[] = []
  while (turns.next() !== undefined)
    turns.serve(claim => {
      order.push(claim)
      return bytes
    })
  return order.join(' ')
}

test('Keys take turns, however many items wait for each.', t => {
  const turns = createFairQueue<string>()
  for (const claim of ['a1', 'a2', 'a3', 'b1', 'b2']) turns.join(claim[0]!, claim, false)
  t.is(serveAll(turns), 'a1 b1 a2 b2 a3')
})

test('Within a key, items that were begun come first, and both kinds keep their order.', t => {
  const turns = createFairQueue<string>()
  turns.join('a', 'new', false)
  turns.join('a', 'begun 1', true)
  turns.join('a', 'begun 2', true)
  t.is(serveAll(turns), 'begun 1 begun 2 new')
})

test('A new key comes next, before keys that have been served continually.', t => {
  const turns = createFairQueue<string>()
  for (const key of ['a', 'b', 'c']) turns.join(key, key, false)
  for (let served = 0; served < 30; served += 1)
    turns.serve(key => {
      turns.join(key, key, false)
      return 100
    })
  turns.join('new', 'new', false)
  t.is(turns.next(), 'new')
})

test('A key that uses nothing of its turn keeps it.', t => {
  const turns = createFairQueue<string>()
  turns.join('a', 'a1', false)
  turns.join('b', 'b1', false)
  turns.join('a', 'a2', false)
  turns.serve(() => 0)
  t.is(turns.next(), 'a2')
})

test('All keys start equal again once the queue has been empty.', t => {
  const turns = createFairQueue<string>()
  turns.join('a', 'a', false)
  turns.serve(() => 1000)
  turns.join('a', 'a', false)
  turns.join('b', 'b', false)
  t.is(serveAll(turns), 'a b')
})

test('An empty queue serves nothing.', t => {
  t.is(createFairQueue().next(), undefined)
  t.throws(() => createFairQueue().serve(() => 1), { message: /^bug: / })
})

test('Keys that always want more have received the same at every moment, to within one block each.', t => {
  const most = 100
  const wants = fc.array(fc.integer({ min: 1, max: most }), { minLength: 1, maxLength: 20 })
  fc.assert(
    fc.property(fc.array(wants, { minLength: 2, maxLength: 6 }), fc.nat(200), (blocks, rounds) => {
      const turns = createFairQueue<number>()
      const had = blocks.map(() => 0)
      const times = blocks.map(() => 0)
      blocks.forEach((_, key) => {
        turns.join(String(key), key, false)
      })
      for (let round = 0; round < rounds; round += 1) {
        turns.serve(key => {
          const sizes = blocks[key]!
          const bytes = sizes[times[key]! % sizes.length]!
          times[key]! += 1
          had[key]! += bytes
          turns.join(String(key), key, false)
          return bytes
        })
        t.true(Math.max(...had) - Math.min(...had) <= 2 * most)
      }
    }),
  )
})

test('A key gains nothing by leaving the queue and joining again, and no key starves.', t => {
  fc.assert(
    fc.property(fc.array(fc.boolean(), { maxLength: 200 }), leaves => {
      const turns = createFairQueue<string>()
      const had: Record<string, number> = { steady: 0, fickle: 0 }
      let isAway = false
      turns.join('steady', 'steady', false)
      turns.join('fickle', 'fickle', false)
      for (const leave of leaves) {
        turns.serve(key => {
          had[key]! += 10
          if (key === 'steady' || !leave) turns.join(key, key, false)
          else isAway = true
          return 10
        })
        if (isAway) turns.join('fickle', 'fickle', false)
        isAway = false
      }
      t.true(Math.abs(had.steady! - had.fickle!) <= 20)
    }),
  )
})
