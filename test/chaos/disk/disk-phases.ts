// An agent's work while its file system fails (failing-disk.ts) or its disk is full. Each phase starts the agent on such a
// disk, lets some calls fail with some probability while it works, checks what its person is told, and ends it. Work must
// end or rest in time, with a code that says why. Interruptions and short reads or writes must stay invisible.

import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { stopAgent } from '../../../src/actors/device/agent-process.ts'
import type { Outcome } from '../../../src/domain/refusal.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { granted } from '../../helpers/granted.ts'
import { fetchAll } from '../../helpers/swarm.ts'
import { completes, type Phase, type Strike } from '../kills/phases.ts'
import { type Kind as Film, group, kept, keptFile, type Scene, sha256Of } from '../kills/scene.ts'
import { type Call, calls, type Faults, type Kind, type Place, places } from './failing-disk.ts'
import { type Troubles, watchPerson } from './person-view.ts'

export const hasRoot = process.getuid?.() === 0

/** Work that neither ends nor rests within this time counts as hanging. */
const settlesWithinMs = 45_000
const stopsWithinMs = 12_000

type Work = (scene: Scene, troubles: Troubles, random: () => number) => Promise<Pick<Strike, 'settle'>>

const pick = <T>(items: readonly T[], random: () => number): T => items[Math.floor(random() * items.length)]!

/** These must have no visible effect. */
const harmless: readonly Kind[] = ['interrupted', 'short']
const mixes: readonly (readonly Kind[])[] = [
  harmless,
  harmless,
  ['broken'],
  ['full'],
  ['broken', 'full', ...harmless],
  ['unlinkable', 'broken'],
]

/** Throws if it does not answer in time. */
async function inTime<T>(what: string, work: Promise<T>, { problems }: Troubles): Promise<T | undefined> {
  const tooLate = new AbortController()
  const late = delay(settlesWithinMs, undefined, { signal: tooLate.signal }).then(
    () => {
      problems.push(`${what} hangs`)
      return undefined
    },
    () => undefined,
  )
  try {
    return await Promise.race([work, late])
  } finally {
    tooLate.abort()
  }
}

const rests = (view: DownloadView) => ['completed', 'failed', 'cancelled', 'paused'].includes(view.state)

/** Waits until it rests, as its person sees it. */
async function fetching(scene: Scene, troubles: Troubles, film: Film, overwrite = false): Promise<void> {
  const { victim } = scene
  // A download that has ended is only looked at: the disk may not let it be cancelled.
  const now = await attempt(scene.current(film))
  if (now.ok && now.value?.state === 'completed') return
  const asked = await inTime(`asking for ${film}`, attempt(scene.ensure(film, overwrite)), troubles)
  if (!asked) return
  if (!asked.ok) return troubles.refused(`download ${film}`, asked)
  const { id } = asked.value
  await inTime(`download ${id}`, attempt(scene.until(id, rests)), troubles)
  const view = await troubles.downloadShown(id)
  if (view?.state === 'failed') troubles.refused(`download ${id}`, { ok: false, ...view.error! } as never)
  else if (view?.state !== 'completed' && victim.isRunning) troubles.problems.push(`download ${id} is ${view?.state}`)
}

/** Clears ended downloads away while the disk still works. */
async function makeRoom(scene: Scene): Promise<void> {
  for (const film of ['film', 'lied', 'small'] as const)
    if ((await scene.current(film))?.state === 'completed') await scene.forget(film)
}

/** The helpers throw what the agent refuses. */
const attempt = <T>(work: Promise<T>): Promise<Outcome<T>> =>
  work.then(
    value => ({ ok: true, value }),
    (error: Error) => ({ ok: false, ...parseRefusal(error.message) }) as Outcome<T>,
  )
const parseRefusal = (text: string) => {
  const [, code = 'thrown', message = text] = /^refused: ([a-z-]+) (.*)$/s.exec(text) ?? []
  return { code, message }
}

/** With the disk working again, continues what there is of it to a complete file. */
const goesOn = async (scene: Scene, film: Film): Promise<string[]> => {
  const view = await scene.ensure(film)
  if (view.state === 'failed' || view.state === 'paused') await scene.victim.ask('resume', { id: view.id })
  return completes(scene, film, view, { fetchedOnce: false })
}

const download: Work = async (scene, troubles, random) => {
  const film = pick(['film', 'lied', 'small'] as const, random)
  await fetching(scene, troubles, film, film === 'small' && random() < 0.4)
  return { settle: () => goesOn(scene, film) }
}

const pauses: Work = async (scene, troubles, random) => {
  const { victim } = scene
  const now = await attempt(scene.current('film'))
  const hasEnded = now.ok && now.value?.state === 'completed'
  const asked = hasEnded ? now : await attempt(scene.ensure('film'))
  if (!asked.ok) troubles.refused('download film', asked)
  else
    for (const what of ['pause', 'resume', 'pause', 'resume'] as const) {
      await delay(random() * 60)
      const answer = await inTime(what, victim.agent.ask(what, { id: asked.value!.id }), troubles)
      // It may have ended by itself.
      if (answer && !answer.ok && answer.code !== 'not-running') troubles.refused(what, answer)
    }
  return { settle: () => goesOn(scene, 'film') }
}

const share: Work = async (scene, troubles, random) => {
  const { victim, heavy, ownFiles, around } = scene
  const name = `shared-${randomBytes(4).toString('hex')}.bin`
  const path = join(ownFiles, name)
  heavy.set(randomBytes(16), Math.floor(random() * (heavy.length - 16)))
  writeFileSync(path, heavy)
  around.bystanders.set(path, sha256Of(heavy))
  const shared = await inTime('share', victim.agent.ask('share', { path, group }), troubles)
  if (shared && !shared.ok) troubles.refused('share', shared)
  return {
    async settle() {
      const again = await victim.agent.ask('share', { path, group })
      if (!again.ok) return [`${name} cannot be shared again: ${again.message}`]
      const problems = again.value.sha1 === keptFile(scene, name).manifest.sha1 ? [] : [`${name} was hashed wrong`]
      await victim.ask('unshare', { group, name })
      around.bystanders.delete(path)
      rmSync(path)
      return problems
    },
  }
}

/** Peers read what it offers meanwhile; afterwards it still offers it, without a restart. */
const serve: Work = async (scene, troubles) => {
  const { onlooker, victim } = scene
  for (const name of kept) {
    const file = keptFile(scene, name)
    const found = granted(await onlooker.trackers.ask('swarm.locate', { group, name }))
    const peer = found.peers.find(({ user }) => user === victim.person.user)
    if (!peer) continue
    const tooLate = AbortSignal.timeout(troubles.isHarmless ? settlesWithinMs : 1_500)
    const fetched = await fetchAll(peer, file, { me: onlooker }, tooLate).catch(() => undefined)
    if (fetched && !fetched.bytes.equals(file.bytes)) troubles.problems.push(`${name} is served with other bytes`)
    if (!fetched && troubles.isHarmless) troubles.problems.push(`${name} is not served`)
  }
  troubles.diskWorks()
  for (const name of kept) await troubles.isServedAgain(name)
  return {}
}

const logout: Work = async (scene, troubles) => {
  const { victim } = scene
  const session = victim.home.session()
  if (!session) throw new Error('nobody is logged in')
  await attempt(scene.ensure('film'))
  const answer = await inTime('logout', victim.agent.ask('logout', {}), troubles)
  if (answer && !answer.ok) troubles.refused('logout', answer)
  troubles.mayBeLoggedOut()
  return { settle: () => goesOn(scene, 'film') }
}

/** Starts it on such a disk, lets the disk fail during the work, and ends it. */
const failing =
  (work: Work, where: readonly Place[], which: readonly Call[] = calls): Phase =>
  async (scene, random) => {
    const { victim } = scene
    const disk = scene.failingDisk()
    const session = victim.home.session()!
    const faults: Faults = {
      kinds: pick(mixes, random),
      // Failing alone, a call is reached even where an earlier one would have failed.
      calls: which.length < calls.length && random() < 0.7 ? [pick(which, random)] : which,
      places: where.length > 1 && random() < 0.5 ? [pick(where, random)] : where,
      odds: pick([0.003, 0.03, 0.3, 1], random),
      seed: Math.floor(random() * 2 ** 31),
    }
    const isHarmless = faults.kinds === harmless
    if (isHarmless) Object.assign(faults, { odds: Math.min(0.5, faults.odds) })
    await stopAgent(victim.home)
    await victim.start(disk.env)
    await victim.answers()
    await makeRoom(scene)
    const troubles = watchPerson(scene, { isHarmless, onlyFull: faults.kinds.join() === 'full', disk })
    disk.strike(faults)
    const { settle } = await work(scene, troubles, random)
    const struck = disk.struck()
    await troubles.isAtRest()
    // Some end at once, some while the disk still fails, some afterwards.
    const ending = pick(['killed', 'stopped', 'stopped with a disk that works'] as const, random)
    if (ending !== 'stopped') disk.stop()
    if (ending === 'killed') await victim.kill()
    else {
      const began = performance.now()
      await stopAgent(victim.home)
      if (performance.now() - began > stopsWithinMs) troubles.problems.push('the agent does not stop')
    }
    disk.stop()
    if (!victim.home.session()) {
      if (!troubles.wasLoggedOut) troubles.problems.push('the log-in is gone')
      victim.home.saveSession(session)
    }
    scene.around.lost = { offsets: disk.lost(), temporaries: struck.has('broken unlink') }
    return {
      where: () => `${faults.kinds.join('+')} at ${faults.odds} on ${faults.places.join('+')}: ${troubles.told()}`,
      counts: struck,
      problems: troubles.problems,
      ...(settle ? { settle } : {}),
    }
  }

/** It starts on a failing disk, or says why it cannot. */
const start: Phase = async (scene, random) => {
  const { victim } = scene
  const disk = scene.failingDisk()
  await attempt(scene.ensure('film'))
  await stopAgent(victim.home)
  const kinds = pick(mixes, random)
  const isHarmless = kinds === harmless
  const odds = pick([0.003, 0.03, 0.3], random)
  disk.strike({ kinds, calls, places, odds, seed: Math.floor(random() * 2 ** 31) })
  const problems: string[] = []
  let told = 'it started'
  try {
    await victim.start(disk.env)
    await delay(random() * 500)
  } catch (error) {
    told = 'it said why not'
    const { message } = error as Error
    if (isHarmless || /bug:|unknown/.test(message)) problems.push(message)
  }
  const counts = disk.struck()
  disk.stop()
  await victim.kill()
  scene.around.lost = { offsets: disk.lost(), temporaries: counts.has('broken unlink') }
  if (!victim.home.session()) problems.push('the log-in is gone')
  return {
    where: () => `${kinds.join('+')} at ${odds}: ${told}`,
    counts,
    problems,
    settle: () => goesOn(scene, 'film'),
  }
}

/** The disk of the home, of the downloads, or of both is full while it works; then there is room, and it continues. */
const full: Phase = async (scene, random) => {
  const { victim, disks } = scene
  const [home, downloads] = disks as [(typeof disks)[0], (typeof disks)[0]]
  const chosen = pick(
    [
      ['home', home],
      ['downloads', downloads],
      ['home and downloads', home, downloads],
    ] as const,
    random,
  )
  const [what, ...filled] = chosen
  const troubles = watchPerson(scene, { isHarmless: false, onlyFull: true })
  await makeRoom(scene)
  const asked = await attempt(scene.ensure('film'))
  if (asked.ok) await scene.until(asked.value.id, ({ pieces }) => pieces.done > random() * 6)
  for (const disk of filled) disk.fill()
  await (random() < 0.5 ? fetching(scene, troubles, 'film') : Promise.resolve())
  const { settle } = await pick([share, pauses], random)(scene, troubles, random)
  await troubles.isAtRest()
  if (random() < 0.5) await victim.kill()
  else await stopAgent(victim.home)
  for (const disk of disks) disk.empty()
  scene.around.lost = undefined
  return {
    where: () => `of the ${what}: ${troubles.told()}`,
    problems: troubles.problems,
    settle: async () => [...((await settle?.()) ?? []), ...(await goesOn(scene, 'film'))],
  }
}

export const diskPhases = (): Readonly<Record<string, Phase>> => ({
  share: failing(share, ['own', 'library', 'home']),
  download: failing(download, ['downloads', 'library', 'home']),
  rename: failing(
    async (scene, troubles, random) => {
      await fetching(scene, troubles, 'small', random() < 0.4)
      return { settle: () => goesOn(scene, 'small') }
    },
    ['downloads'],
    ['sync', 'rename', 'link', 'unlink'],
  ),
  pauses: failing(pauses, ['downloads', 'library']),
  serve: failing(serve, ['own'], ['read', 'open']),
  logout: failing(logout, ['home', 'library', 'downloads']),
  start,
  ...(hasRoot ? { full } : {}),
})
