// A short run of `npm run fuzz`, of every target, after all that is in the corpus.

import test from 'ava'
import { fuzz } from './fuzz.ts'
import { type Target, targets } from './targets.ts'

const seed = Math.floor(Math.random() * 2 ** 31)

for (const target of targets)
  test(`No message breaks, or gets by, what reads it: ${target.name}.`, t => {
    t.log(`seed ${seed}`)
    const { finding, taken, cases } = fuzz(target, 200, seed)
    t.is(finding, undefined)
    t.true(taken > 0 && taken < cases, `${taken} of ${cases} were taken`)
  })

test('A target that throws, or that takes what is not safe, is found out.', t => {
  const careless: Target = {
    name: 'careless',
    valid: [{ name: 'a.txt' }],
    take(bytes) {
      const { name } = JSON.parse(bytes.toString()) as { name: string }
      if (name.includes('/')) throw new Error('a name that leads elsewhere')
      return true
    },
  }
  t.truthy(fuzz(careless, 200, seed).finding)
})
