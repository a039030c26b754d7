// The phases in which the agent is killed: each brings the agent there, kills it at a random moment, and then tells from the
// disk where exactly that was.

import { randomBytes } from 'node:crypto'
import { existsSync, watch, writeFileSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { askAll } from '../../../src/actors/client/ask-all.ts'
import { stopAgent } from '../../../src/actors/device/agent-process.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { granted } from '../../helpers/granted.ts'
import { hasFailingDisk } from '../disk/failing-disk.ts'
import type { Findings } from './check-device.ts'
import { crashAt } from './crash-point.ts'
import { group, type Kind, type Scene, sha256Of } from './scene.ts'

const MiB = 2 ** 20
const capBytesPerSecond = 8 * MiB

export interface Strike {
  /** Where it was killed. */
  where(found: Findings): string
  /** Faults found before the disk is checked. */
  readonly problems?: readonly string[]
  /** Failures of the disk, and how often. */
  readonly counts?: ReadonlyMap<string, number>
  /** With the agent running again, the interrupted work ends well. */
  settle?(): Promise<string[]>
}

export type Phase = (scene: Scene, random: () => number) => Promise<Strike>

/** Current duration of the work on this machine, ms, for choosing a moment within it. */
const took = { share: 300, verify: 300, logout: 150, restart: 1_200 }
const learn = (what: keyof typeof took, ms: number) => {
  took[what] = 0.5 * took[what] + 0.5 * ms
}
const momentWithin = (what: keyof typeof took, random: () => number) => delay(random() * took[what])

const recordOf = (found: Findings, { id }: Pick<DownloadView, 'id'>) => {
  const record = found.downloads.find(each => each.id === id)
  if (!record) throw new Error(`download ${id} left the library`)
  return record
}

/** Its progress by what is on disk. */
function progressOf(found: Findings, view: DownloadView): string {
  const { state, verified, part, destination } = recordOf(found, view)
  if (state === 'completed') return 'after it was completed'
  const named = existsSync(destination)
  if (named && existsSync(part)) return 'between the two names'
  if (named && verified.isFull()) return 'named, not recorded'
  if (verified.count === 0) return 'before the first piece'
  return verified.isFull() ? 'all pieces there' : 'while pieces came'
}

/** It completes. `fetchedOnce`: no byte is fetched twice. */
export async function completes(
  scene: Scene,
  kind: Kind,
  { id }: Pick<DownloadView, 'id'>,
  { fetchedOnce = kind !== 'lied' } = {},
): Promise<string[]> {
  const { victim, files } = scene
  await victim.ask('limits.change', { down: null })
  const view = granted(await victim.agent.ask('download.follow', { id }))
  const { size } = files[kind].manifest
  const problems: string[] = []
  if (view.state !== 'completed') problems.push(`download ${id} is ${view.state}: ${view.error?.message}`)
  // Nothing arrives from the lying peer.
  else if (fetchedOnce && view.fetchedBytes !== size)
    problems.push(`download ${id} fetched ${view.fetchedBytes} bytes of ${size}`)
  if (existsSync(`${view.path}.part`)) problems.push(`${view.path}.part was left over`)
  await scene.forget(kind)
  return problems
}

const share: Phase = async (scene, random) => {
  const { victim, ownFiles, heavy, around, onlooker } = scene
  const name = `shared-${randomBytes(4).toString('hex')}.bin`
  const path = join(ownFiles, name)
  heavy.set(randomBytes(16), Math.floor(random() * (heavy.length - 16)))
  writeFileSync(path, heavy)
  around.bystanders.set(path, sha256Of(heavy))
  const killed = new AbortController()
  const asking = victim.agent.ask('share', { path, group }, { signal: killed.signal })
  const isAnswered = asking.then(
    () => true,
    () => false,
  )
  await momentWithin('share', random)
  await victim.kill()
  killed.abort()
  const answered = await isAnswered
  const logged = granted(await askAll(onlooker.trackers, 'group.files', { group })).some(file => file.name === name)
  return {
    where: found => {
      const isKept = found.shares.some(record => record.name === name)
      if (answered) return isKept ? 'after it was answered' : 'answered, and not kept'
      if (isKept) return 'kept, not answered'
      return logged ? 'in the log, not in the library' : 'while it was hashed'
    },
    async settle() {
      const began = performance.now()
      const shared = await victim.agent.ask('share', { path, group })
      if (!answered) learn('share', performance.now() - began)
      if (!shared.ok) return [`${name} cannot be shared again: ${shared.message}`]
      await victim.ask('unshare', { group, name })
      around.bystanders.delete(path)
      await rm(path)
      return []
    },
  }
}

const download: Phase = async (scene, random) => {
  const { victim } = scene
  await victim.ask('limits.change', { down: capBytesPerSecond })
  const kind = random() < 0.3 ? 'lied' : 'film'
  const view = await scene.ensure(kind)
  const { done, total } = view.pieces
  const target = done + Math.floor(random() * (total - done))
  await scene.until(view.id, now => now.pieces.done >= target)
  await delay(random() * 150)
  await victim.kill()
  return {
    where: found => progressOf(found, view),
    // Every other one is killed again where it got to.
    settle: async () => (random() < 0.5 ? completes(scene, kind, view) : []),
  }
}

/** Uncapped and almost verified: killed again and again before it gets its name. */
async function untilVerifying(scene: Scene): Promise<DownloadView> {
  await scene.victim.ask('limits.change', { down: null })
  return scene.ensure('big')
}

const verify: Phase = async (scene, random) => {
  const { victim } = scene
  const view = await untilVerifying(scene)
  const began = await victim.reaches(view.id, state => state === '"verifying"' || state === '"finishing"', 60_000)
  if (began) await momentWithin('verify', random)
  const last = victim.stateOf(view.id)
  await victim.kill()
  return {
    where: found => {
      const progress = progressOf(found, view)
      learn('verify', took.verify * (progress === 'all pieces there' ? 1.2 : 0.6))
      return progress === 'all pieces there' && last === '"verifying"' ? 'while the whole was hashed' : progress
    },
  }
}

/** The agent is killed while it starts and checks what it had. */
const restart: Phase = async (scene, random) => {
  const { victim } = scene
  const view = await untilVerifying(scene)
  await scene.until(view.id, ({ pieces }) => pieces.done > pieces.total / 4)
  await stopAgent(victim.home)
  await victim.start()
  await momentWithin('restart', random)
  const last = victim.stateOf(view.id)
  await victim.kill()
  return { where: () => (last === '' ? 'before it was online' : `with its download ${last.replaceAll(/["{}]/g, '')}`) }
}

/** File-system calls between a verified file and its name, and a few moments after the last. */
const crashPoints = [
  'sync:1:before',
  'sync:1:after',
  'link:1:before',
  'link:1:after',
  'unlink:1:before',
  'unlink:1:after',
  'sync:2:before',
  'sync:2:after',
  'sync:2:after+1',
  'sync:2:after+3',
  'sync:2:after+8',
]
const renamingPoints = ['rename:1:before', 'rename:1:after', ...crashPoints.filter(point => point.startsWith('sync'))]

const rename: Phase = async (scene, random) => {
  const { victim } = scene
  const overwrite = random() < 0.3
  const hasLinks = random() < 0.6 || !hasFailingDisk()
  const points = overwrite || !hasLinks ? renamingPoints : crashPoints
  const point = points[Math.floor(random() * points.length)]!
  const disk = hasLinks ? undefined : scene.failingDisk()
  await stopAgent(victim.home)
  await victim.start({ ...disk?.env, ...crashAt(point) })
  await victim.answers()
  disk?.strike({ kinds: ['unlinkable'], calls: ['link'], places: ['downloads'], odds: 1, seed: 1 })
  const view = await scene.ensure('small', overwrite)
  await victim.gone(60_000)
  disk?.stop()
  return {
    where: () => `at ${point}${overwrite ? ', overwriting' : ''}${hasLinks ? '' : ', without hard links'}`,
    settle: () => completes(scene, 'small', view),
  }
}

/** The same from outside: killed a moment after the name appeared. */
const renameSeen: Phase = async (scene, random) => {
  const { victim } = scene
  const { promise: named, resolve } = Promise.withResolvers<void>()
  const watcher = watch(scene.around.folder, { recursive: true }, (_, file) => {
    if (file !== null && basename(file) === 'small.bin' && dirname(file).startsWith('small-')) resolve()
  })
  const tooLate = new AbortController()
  const view = await scene.ensure('small')
  try {
    const late = delay(60_000, undefined, { signal: tooLate.signal }).then(() => {
      throw new Error('the small file never got its name')
    })
    await Promise.race([named, late])
  } finally {
    tooLate.abort()
    watcher.close()
  }
  await delay(random() * 4)
  await victim.kill()
  return { where: found => progressOf(found, view), settle: () => completes(scene, 'small', view) }
}

const logout: Phase = async (scene, random) => {
  const { victim } = scene
  await victim.ask('limits.change', { down: capBytesPerSecond })
  const view = await scene.ensure('film')
  await scene.until(view.id, ({ state }) => state === 'downloading')
  const session = victim.home.session()
  if (!session) throw new Error('nobody is logged in')
  const killed = new AbortController()
  const began = performance.now()
  const isAnswered = victim.agent.ask('logout', {}, { signal: killed.signal }).then(
    () => learn('logout', performance.now() - began),
    () => undefined,
  )
  await Promise.race([momentWithin('logout', random), isAnswered.then(() => delay(random() * 50))])
  await victim.kill()
  killed.abort()
  const wasLoggedIn = victim.home.session() !== undefined
  // The person logs in again.
  if (!wasLoggedIn) victim.home.saveSession(session)
  return {
    where: () => (wasLoggedIn ? 'before the log-in was forgotten' : 'after it was forgotten'),
    settle: async () => (random() < 0.3 ? completes(scene, 'film', view) : []),
  }
}

export const phases = { share, download, restart, verify, rename, renameSeen, logout } satisfies Record<string, Phase>
