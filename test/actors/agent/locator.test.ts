import test from 'ava'
import { createActor, setup } from 'xstate'
import { createLocator, type LastSwarm } from '../../../src/actors/agent/locator.ts'
import { done, type Outcome, refuse } from '../../../src/domain/refusal.ts'
import type { DownloadSpec, LocatorEvent } from '../../../src/machines/download-protocol.ts'
import { until } from '../../helpers/until.ts'

const share = 'a'.repeat(32)
const spec = { id: 7, group: 'reef', name: 'film.bin', share } as DownloadSpec
const peer = { user: 'bob', device: 'bbbbbbbbbbbb' }
const found = done({ share, peers: [peer], sharers: 1 })

/** One run of a download's look-ups; the trackers answer what `answer` resolves with. */
function startRun(lastSwarms: Map<number, LastSwarm>, answer: () => Promise<Outcome<unknown>>) {
  const heard: LocatorEvent[] = []
  const locator = createLocator({ trackers: { ask: answer as never }, lastSwarms, patienceMs: 5 })
  const parent = setup({ types: { events: {} as LocatorEvent }, actors: { locator } }).createMachine({
    invoke: { id: 'locator', src: 'locator', input: spec },
    on: { '*': { actions: ({ event }) => heard.push(event) } },
  })
  const actor = createActor(parent).start()
  actor.getSnapshot().children.locator?.send({ type: 'swarm.locate' } as never)
  return { heard, stop: () => actor.stop() }
}

test('A run that begins while the trackers are silent goes by the swarm of the run before, and by theirs once they answer.', async t => {
  const lastSwarms = new Map<number, LastSwarm>()
  const first = startRun(lastSwarms, async () => found)
  await until('they answer', () => first.heard.length === 1)
  first.stop()

  const answers = Promise.withResolvers<Outcome<unknown>>()
  const second = startRun(lastSwarms, () => answers.promise)
  await until('the last swarm is told', () => second.heard.length === 1)
  t.like(second.heard[0], { type: 'swarm.located', peers: [peer] })
  answers.resolve(refuse('not-member', 'you are not a member of reef'))
  await until('they answer', () => second.heard.length === 2)
  t.like(second.heard[1], { type: 'swarm.refused', code: 'not-member' })
  second.stop()
})

test('Trackers that say they are away do not keep a run from the last swarm; a swarm whose tickets have ended does not count.', async t => {
  const located = { type: 'swarm.located', peers: [peer], sharers: 1 } as never
  const away = async () => refuse('unreachable', 'no tracker is reachable')
  const run = startRun(new Map([[7, { located, at: performance.now() }]]), away)
  await until('both are heard', () => run.heard.length === 2)
  t.deepEqual(
    run.heard.map(({ type }) => type),
    ['swarm.unanswered', 'swarm.located'],
  )
  run.stop()

  const tooLate = startRun(new Map([[7, { located, at: performance.now() - 2 * 60 * 60 * 1000 }]]), away)
  const other = startRun(new Map([[8, { located, at: performance.now() }]]), away)
  const known = startRun(new Map([[7, { located, at: performance.now() }]]), away)
  await until('the last swarm is told', () => known.heard.length === 2)
  t.is(tooLate.heard.length, 1)
  t.is(other.heard.length, 1)
  for (const each of [tooLate, other, known]) each.stop()
})
