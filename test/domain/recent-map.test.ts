import test from 'ava'
import { RecentMap } from '../../src/domain/recent-map.ts'

test('One entry too many makes it forget the oldest.', t => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('c', 3)
  t.deepEqual(
    [...map],
    [
      ['b', 2],
      ['c', 3],
    ],
  )
})

test('An entry that is set again is the newest.', t => {
  const map = new RecentMap<string, number>(2)
  map.set('a', 1).set('b', 2).set('a', 3).set('c', 4)
  t.deepEqual(
    [...map],
    [
      ['a', 3],
      ['c', 4],
    ],
  )
})
