import test from 'ava'
import fc from 'fast-check'
import { downloadTunables } from '../../../config/swarm.ts'
import { createConnectionCap } from '../../../src/actors/swarm/connection-cap.ts'

function fixture(most?: number) {
  const cap = createConnectionCap()
  cap.limit(most)
  const ended: string[] = []
  const enter = (share: string, name = share) => cap.enter(share, () => ended.push(name))
  return { cap, enter, ended }
}

test('Without a cap every download may connect.', t => {
  const { enter } = fixture()
  for (let peer = 0; peer < 500; peer += 1) t.truthy(enter('film'))
})

test('One download leaves a place for each that may still start.', t => {
  const { enter } = fixture(6)
  t.deepEqual(
    [1, 2, 3, 4].map(() => enter('film') !== undefined),
    [true, true, true, false],
  )
  for (const share of ['song', 'note', 'book']) t.truthy(enter(share))
  t.falsy(enter('song'))
  t.falsy(enter('a fifth'))
})

test('A returned place is free for the next session, once.', t => {
  const { enter } = fixture(4)
  const leave = enter('film')!
  t.falsy(enter('film'))
  leave()
  leave()
  t.truthy(enter('film'))
  t.falsy(enter('film'))
})

test('Lowering the cap ends the latest, and leaves each download one.', t => {
  const { cap, enter, ended } = fixture()
  for (let peer = 0; peer < 8; peer += 1) enter('film', `film ${peer}`)
  enter('song', 'song 0')
  cap.limit(5)
  t.deepEqual(ended, ['film 7', 'film 6', 'film 5', 'film 4', 'film 3', 'film 2'])
  t.truthy(enter('note'))
  t.truthy(enter('book'))
  t.falsy(enter('film'))
})

test('Lifting the cap lets every download connect again.', t => {
  const { cap, enter, ended } = fixture(4)
  enter('film')
  cap.limit(undefined)
  t.truthy(enter('film'))
  t.deepEqual(ended, [])
})

test('Connections never exceed the cap, and every running download can have one.', t => {
  const steps = fc.array(
    fc.oneof(
      fc.record({ enter: fc.integer({ min: 0, max: downloadTunables.maxRunning - 1 }) }),
      fc.record({ leave: fc.nat(20) }),
      fc.record({ limit: fc.integer({ min: downloadTunables.maxRunning, max: 12 }) }),
    ),
    { maxLength: 60 },
  )
  fc.assert(
    fc.property(steps, steps => {
      const cap = createConnectionCap()
      const open: { readonly share: number; readonly leave: () => void }[] = []
      let most = 12
      cap.limit(most)
      const tryEnter = (share: number) => {
        const leave = cap.enter(String(share), () => open.splice(open.indexOf(place), 1))
        if (!leave) return false
        const place = { share, leave }
        open.push(place)
        return true
      }
      for (const step of steps) {
        if ('enter' in step) tryEnter(step.enter)
        else if ('leave' in step) open.splice(step.leave, 1)[0]?.leave()
        else {
          most = step.limit
          cap.limit(most)
        }
        t.true(open.length <= most)
      }
      for (let share = 0; share < downloadTunables.maxRunning; share += 1)
        t.true(open.some(one => one.share === share) || tryEnter(share))
    }),
  )
})
