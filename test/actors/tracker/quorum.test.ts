import test from 'ava'
import { createQuorum } from '../../../src/actors/tracker/quorum.ts'

/** The brokers' account, with so many brokers that answer. */
function brokersThatAnswer(answers: number) {
  let asked = 0
  const requestMany = async (_subject: string, _payload: unknown, { maxMessages = 0 } = {}) => {
    asked++
    return (async function* () {
      for (let answer = 0; answer < Math.min(answers, maxMessages); answer++) yield {}
    })()
  }
  return { sys: { requestMany } as never, asked: () => asked }
}

for (const [brokers, answers, expected] of [
  [1, 1, true],
  [1, 0, false],
  [3, 1, false],
  [3, 2, true],
  [3, 3, true],
] as const)
  test(`${answers} of ${brokers} brokers are ${expected ? 'a' : 'not a'} majority.`, async t => {
    t.is(await createQuorum(brokersThatAnswer(answers).sys, brokers).isReachable(), expected)
  })

test('A burst of writes asks the brokers once.', async t => {
  const { sys, asked } = brokersThatAnswer(3)
  const majority = createQuorum(sys, 3)
  await Promise.all(Array.from({ length: 20 }, () => majority.isReachable()))
  t.is(asked(), 1)
})

test('One count that comes out short is repeated: answers may be late while brokers elect a leader.', async t => {
  const counts = [1, 2]
  const requestMany = () => Promise.resolve(Array.from({ length: counts.shift() ?? 0 }, () => ({})))
  t.true(await createQuorum({ requestMany } as never, 3).isReachable())
})

test('A closed connection has no majority.', async t => {
  const sys = { requestMany: () => Promise.reject(new Error('closed')) } as never
  t.false(await createQuorum(sys, 3).isReachable())
})

test('A majority that has returned is noticed by the next write.', async t => {
  let answers = 1
  const requestMany = () => Promise.resolve(Array.from({ length: answers }, () => ({})))
  const majority = createQuorum({ requestMany } as never, 3)
  t.false(await majority.isReachable())
  answers = 2
  t.true(await majority.isReachable())
})
