import test from 'ava'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'

test('A buffer that was given back is reused for the same length, by one taker at a time.', t => {
  const pool = createBufferPool(100)
  const first = pool.take(40)
  t.is(first.length, 40)
  t.not(pool.take(40), first)
  pool.give(first)
  t.not(pool.take(30), first)
  t.is(pool.take(40), first)
  t.not(pool.take(40), first)
})

test('No more bytes are kept than allowed.', t => {
  const pool = createBufferPool(100)
  const [one, two, three] = [pool.take(40), pool.take(40), pool.take(40)]
  for (const buffer of [one, two, three]) pool.give(buffer)
  const again = [pool.take(40), pool.take(40), pool.take(40)]
  t.deepEqual(
    again.filter(buffer => [one, two, three].includes(buffer)),
    [two, one],
  )
})
