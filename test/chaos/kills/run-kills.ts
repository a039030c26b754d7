// Kills an agent over and over at random moments; checks its disk each time before it starts again, and its behaviour
// afterwards. The seed decides the work and the phases; the exact moment of a signal depends on the machine.

import { setTimeout as delay } from 'node:timers/promises'
import { askAll } from '../../../src/actors/client/ask-all.ts'
import { granted } from '../../helpers/granted.ts'
import { seededRandom } from '../../helpers/seeded-random.ts'
import { fetchAll } from '../../helpers/swarm.ts'
import { checkDevice, type Findings } from './check-device.ts'
import type { Phase } from './phases.ts'
import { group, kept, keptFile, type Scene, type SceneOptions, setScene } from './scene.ts'

export interface KillsOptions extends SceneOptions {
  readonly times: number
  readonly seed: number
  /** Each kill ends with the agent's process gone. */
  readonly phases: Readonly<Record<string, Phase>>
  /** Aborted: no further kill. */
  readonly signal?: AbortSignal
  /** Called after each kill. */
  readonly onKill?: (number: number, phase: string, where: string, problems: readonly string[]) => void
}

export interface KillsReport {
  /** Phase -> where it was killed -> how often. */
  readonly hits: ReadonlyMap<string, ReadonlyMap<string, number>>
  readonly violations: readonly string[]
  /** Failures of file-system calls, and how often. */
  readonly counts: ReadonlyMap<string, number>
  /** Pieces checked after all kills together. */
  readonly piecesChecked: number
}

const settlesWithinMs = 60_000

export async function runKills({
  times,
  seed,
  phases,
  signal,
  onKill,
  ...options
}: KillsOptions): Promise<KillsReport> {
  const random = seededRandom(seed)
  const scene = await setScene(random, options)
  const names = Object.keys(phases)
  const hits = new Map<string, Map<string, number>>(names.map(name => [name, new Map()]))
  const violations: string[] = []
  const counts = new Map<string, number>()
  let piecesChecked = 0
  let hasFailed = true
  try {
    for (let number = 1; number <= times && !signal?.aborted; number += 1) {
      // In turn, in a changing order, so that each phase gets its share of a short run, too.
      if (number % names.length === 1) shuffle(names, random)
      const phase = names[(number - 1) % names.length]!
      const strike = await phases[phase]!(scene, random)
      const { where, settle } = strike
      for (const [what, times] of strike.counts ?? []) counts.set(what, (counts.get(what) ?? 0) + times)
      const found = await checkDevice(scene.around)
      const hit = where(found)
      hits.get(phase)!.set(hit, (hits.get(phase)!.get(hit) ?? 0) + 1)
      for (const pieces of found.verified.values()) piecesChecked += pieces.count
      await scene.protect(found)
      await scene.victim.start()
      const problems = [
        ...(strike.problems ?? []),
        ...found.violations,
        ...(await checkRunning(scene, found, random)),
        ...((await settle?.()) ?? []),
      ]
      problems.push(...scene.takeFetchedAgain().map(what => `${what} was fetched again`))
      violations.push(...problems.map(problem => `kill ${number} (${phase}, ${hit}): ${problem}`))
      onKill?.(number, phase, hit, problems)
    }
    hasFailed = violations.length > 0
  } finally {
    await scene.close({ hasFailed })
  }
  return { hits, violations, counts, piecesChecked }
}

function shuffle<T>(items: T[], random: () => number): void {
  for (let last = items.length - 1; last > 0; last -= 1) {
    const other = Math.floor(random() * (last + 1))
    ;[items[last], items[other]] = [items[other]!, items[last]!]
  }
}

/** What must become true once the agent runs again. */
async function checkRunning(scene: Scene, found: Findings, random: () => number): Promise<string[]> {
  const { victim, onlooker } = scene
  const problems: string[] = []
  const status = await victim.answers()
  if (status.user !== victim.person.user) problems.push(`the agent works for ${status.user}`)
  /** The last fault, when time is up; undefined as soon as there is none. */
  const settles = async (look: () => Promise<string | undefined>) => {
    const until = performance.now() + settlesWithinMs
    for (;;) {
      const problem = await look()
      if (problem === undefined) return
      if (performance.now() > until) return void problems.push(problem)
      await delay(20)
    }
  }

  for (const { id, state } of found.downloads) {
    if (state !== 'queued') continue
    const verified = found.verified.get(id)?.count ?? 0
    await settles(async () => {
      const view = (await victim.ask('downloads', {})).find(each => each.id === id)
      if (!view) return `download ${id} is not known any more`
      if (view.state === 'failed' || view.state === 'cancelled')
        return `download ${id} is ${view.state}: ${view.error?.message}`
      return view.pieces.done < verified
        ? `download ${id} has ${view.pieces.done} of ${verified} pieces left`
        : undefined
    })
  }
  const shared = found.shares.filter(({ state }) => state === 'sharing' || state === 'announcing').length
  await settles(async () => {
    const { sharing } = await victim.ask('status', {})
    return sharing < shared ? `of ${shared} shares ${sharing} are on offer` : undefined
  })
  await settles(async () => {
    const files = granted(await askAll(onlooker.trackers, 'group.files', { group }))
    const missing = kept.filter(name => files.find(file => file.name === name)?.online !== 1)
    return missing.length > 0 ? `others do not see ${missing.join(', ')} on offer` : undefined
  })
  const file = keptFile(scene, kept[Math.floor(random() * kept.length)]!)
  const located = granted(await onlooker.trackers.ask('swarm.locate', { group, name: file.manifest.name }))
  const peer = located.peers.find(({ user }) => user === victim.person.user)
  if (!peer) problems.push(`nobody can find who shares ${file.manifest.name}`)
  else if (!(await fetchAll(peer, file, { me: onlooker })).bytes.equals(file.bytes))
    problems.push(`${file.manifest.name} is served with other bytes`)
  return problems
}
