// The random requests of people without agents, with few groups and names, so that they conflict all the time.

import { setTimeout as delay } from 'node:timers/promises'
import type { TrackerMethod } from '../../src/wire/tracker-api.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import type { LightPerson } from './light-person.ts'

const weights: readonly (readonly [TrackerMethod | 'renew', number])[] = [
  ['group.create', 3],
  ['group.join', 5],
  ['group.accept', 5],
  ['group.reject', 1],
  ['group.leave', 2],
  ['group.remove', 1],
  ['group.transfer', 1],
  ['share.add', 4],
  ['share.remove', 2],
  ['group.list', 2],
  ['group.members', 3],
  ['group.requests', 2],
  ['group.files', 3],
  ['renew', 0.3],
]
const total = weights.reduce((sum, [, weight]) => sum + weight, 0)

function weighted(chance: () => number) {
  let left = chance() * total
  for (const [method, weight] of weights) {
    left -= weight
    if (left < 0) return method
  }
  return weights[0]![0]
}

export const oneOf = <T>(chance: () => number, list: readonly T[]): T => list[Math.floor(chance() * list.length)]!

const raceEveryMs = 2_000
const waitForStartMs = 400

/** Every two seconds all want the same thing at once, and only one can have it; its holder then releases it. */
async function race(person: LightPerson): Promise<void> {
  const now = performance.now()
  const startsInMs = raceEveryMs - (now % raceEveryMs)
  if (startsInMs > waitForStartMs) return
  const group = `race-${Math.round((now + startsInMs) / raceEveryMs)}`
  await delay(startsInMs)
  const answer = await person.ask('group.create', { group })
  if (answer?.kind === 'done') await person.ask('group.leave', { group })
}

export async function fightOver(
  person: LightPerson,
  others: readonly string[],
  groups: readonly string[],
  chance: () => number,
  meanThinkingMs: number,
  signal: AbortSignal,
): Promise<void> {
  while (!signal.aborted) {
    await race(person)
    const method = weighted(chance)
    const group = oneOf(chance, groups)
    const user = oneOf(chance, others)
    if (method === 'renew') await person.renew()
    else if (method === 'group.list') await person.ask(method, {})
    else if (method === 'share.add') {
      const manifest = manifestOf(oneOf(chance, ['a', 'b', 'c']), Buffer.from(oneOf(chance, ['one', 'two'])))
      await person.ask(method, { group, name: manifest.name, sha1: manifest.sha1 }, { group, manifest })
    } else if (method === 'share.remove') {
      const name = oneOf(chance, ['a', 'b', 'c'])
      await person.ask(method, { group, name }, { group, name, devices: 'all' })
    } else if (['group.accept', 'group.reject', 'group.remove', 'group.transfer'].includes(method))
      await person.ask(method, { group, user })
    else await person.ask(method, { group })
    await delay(chance() * 2 * meanThinkingMs, undefined, { signal }).catch(() => {})
  }
}

/** One write after the other with hardly a pause: the times of their answers show how long there was no service. */
export async function beat(person: LightPerson, everyMs: number, signal: AbortSignal): Promise<void> {
  for (let number = 0; !signal.aborted; number++) {
    const group = `pulse-${number % 50}`
    await person.ask(number % 100 < 50 ? 'group.create' : 'group.leave', { group })
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
}

/** The same for look-ups. */
export async function look(person: LightPerson, everyMs: number, signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    await person.ask('group.list', {})
    await delay(everyMs, undefined, { signal }).catch(() => {})
  }
}
