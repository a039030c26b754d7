import test from 'ava'
import fc from 'fast-check'
import { isId, maxIdLength } from '../../src/domain/names.ts'
import { skeleton } from '../../src/domain/skeleton.ts'

const characters = [...'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_']
const text = fc.string({ unit: fc.constantFrom(...characters), maxLength: 20 })
const id = fc.string({ unit: fc.constantFrom(...characters), minLength: 1, maxLength: maxIdLength }).filter(isId)

test('Ids that differ in case or in characters that look alike have one skeleton.', t => {
  for (const [a, b] of [
    ['alice', 'Alice'],
    ['alice', 'aIice'],
    ['alice', 'a1ice'],
    ['bob', 'b0B'],
    ['carol', 'CAR0I'],
    ['mallory', 'rnallory'],
  ] as const)
    t.is(skeleton(a), skeleton(b), `${a} ${b}`)
})

test('Ids that do not look alike have skeletons of their own.', t => {
  const ids = [
    'alice',
    'alicia',
    'bob',
    'bob-2',
    'bob_2',
    'bob2',
    'carol',
    'caro',
    'dan',
    'd-an',
    'team-s',
    'team-5',
    'z',
    '2',
  ]
  t.is(new Set(ids.map(skeleton)).size, ids.length)
})

test('Of the characters of ids, exactly these look alike.', t => {
  const groups = Map.groupBy(characters, skeleton)
  const alike = [...groups.values()].map(group => group.join(''))
  const letters = [...'ABCDEFGHJKMNPQRSTUVWXYZ'].map(letter => letter + letter.toLowerCase())
  t.deepEqual(alike.toSorted(), ['ILil1', 'Oo0', ...[...'23456789-_'], ...letters].toSorted())
})

test('Numbered ids stay apart.', t => {
  fc.assert(fc.property(fc.nat(), fc.nat(), text, (a, b, name) => a === b || skeleton(name + a) !== skeleton(name + b)))
  t.pass()
})

test('A skeleton is its own skeleton, whatever the case, and one subject token.', t => {
  fc.assert(
    fc.property(id, id => {
      const of = skeleton(id)
      t.is(skeleton(of), of)
      t.is(skeleton(id.toUpperCase()), of)
      t.is(skeleton(id.toLowerCase()), of)
      t.true(of.length <= 2 * id.length)
      t.regex(of, /^[a-z2-9][a-z2-9_-]*$/)
    }),
  )
})

test('A skeleton is made character by character, so that ids alike in their parts are alike.', t => {
  fc.assert(fc.property(text, text, (a, b) => skeleton(a + b) === skeleton(a) + skeleton(b)))
  t.pass()
})
