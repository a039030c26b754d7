// What a person sees while their agent's disk fails, by the real command line on the same home. A refusal must have a code
// that fits, and a message that does not show our internals.

import { execFile } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import type { Refusal, RefusalCode } from '../../../src/domain/refusal.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { fetchAll } from '../../helpers/swarm.ts'
import { group, keptFile, type Scene } from '../kills/scene.ts'
import type { FailingDisk } from './failing-disk.ts'

const launcher = fileURLToPath(new URL('../../../bin/shoal.js', import.meta.url))
const run = promisify(execFile)
const lookForMs = 400
const servedAgainWithinMs = 30_000

/** The codes that name the disk as the cause. */
const diskCodes: ReadonlySet<RefusalCode> = new Set([
  'no-space',
  'destination-unwritable',
  'destination-exists',
  'file-unreadable',
  'library-failed',
] as RefusalCode[])

export interface Troubles {
  readonly problems: string[]
  readonly isHarmless: boolean
  /** It may or may not fail, but what it says must fit. */
  refused(what: string, refusal: Refusal): void
  /** As `shoal downloads --json` shows it. */
  downloadShown(id: number): Promise<DownloadView | undefined>
  isServedAgain(name: string): Promise<void>
  /** The agent answers, and uses little CPU while no download runs. */
  isAtRest(): Promise<void>
  diskWorks(): void
  mayBeLoggedOut(): void
  readonly wasLoggedOut: boolean
  /** What the person was told, in short. */
  told(): string
}

/** `onlyFull`: only lack of room makes anything fail. */
export function watchPerson(
  scene: Scene,
  { isHarmless, onlyFull, disk }: { isHarmless: boolean; onlyFull: boolean; disk?: FailingDisk },
): Troubles {
  const { victim, onlooker, servers } = scene
  const problems: string[] = []
  const codes = new Set<string>()
  let wasLoggedOut = false
  return {
    problems,
    isHarmless,
    refused(what, { code, message }) {
      codes.add(code)
      const isClear = diskCodes.has(code) && (!onlyFull || code === 'no-space' || code === 'file-unreadable')
      if (isHarmless) problems.push(`${what} failed: ${code}: ${message}`)
      else if (!isClear || /bug:|the agent failed/.test(message))
        problems.push(`${what} is not clear: ${code}: ${message}`)
    },
    async downloadShown(id) {
      const args = [launcher, '--home', victim.home.folder, '--servers', servers.join(','), '--json', 'downloads']
      const shown = await run(process.execPath, args, { timeout: 30_000 }).catch((error: Error) => error)
      if (shown instanceof Error) {
        problems.push(`shoal downloads says: ${shown.message}`)
        return undefined
      }
      return (JSON.parse(shown.stdout) as DownloadView[]).find(view => view.id === id)
    },
    async isServedAgain(name) {
      const file = keptFile(scene, name)
      const until = performance.now() + servedAgainWithinMs
      for (;;) {
        const found = await onlooker.trackers.ask('swarm.locate', { group, name })
        const peer = found.ok ? found.value.peers.find(({ user }) => user === victim.person.user) : undefined
        const fetched =
          peer && (await fetchAll(peer, file, { me: onlooker }, AbortSignal.timeout(5_000)).catch(() => undefined))
        if (fetched?.bytes.equals(file.bytes)) return
        if (performance.now() > until) return void problems.push(`${name} is not on offer any more`)
        await delay(100)
      }
    },
    async isAtRest() {
      if (!victim.isRunning) {
        const last = readFileSync(victim.home.agentLog, 'utf8').trimEnd().split('\n').at(-1)
        return void problems.push(`the agent ended: ${last?.slice(0, 300)}`)
      }
      const views = await victim.agent.ask('downloads', {})
      const isBusy =
        views.ok && views.value.some(({ state }) => !['completed', 'failed', 'cancelled', 'paused'].includes(state))
      if (!isBusy && (await cpuShareOf(victim.pid)) > 0.5) problems.push('an agent whose work rests keeps a core busy')
    },
    diskWorks: () => disk?.stop(),
    mayBeLoggedOut() {
      wasLoggedOut = true
    },
    get wasLoggedOut() {
      return wasLoggedOut
    },
    told: () => (codes.size > 0 ? [...codes].sort().join(', ') : 'nothing'),
  }
}

/** Share of one core, over a moment. */
export async function cpuShareOf(pid: number): Promise<number> {
  const ticks = () => {
    const fields = readFileSync(`/proc/${pid}/stat`, 'utf8').split(') ')[1]!.split(' ')
    return Number(fields[11]) + Number(fields[12])
  }
  try {
    const before = ticks()
    const began = performance.now()
    await delay(lookForMs)
    // A tick is 10 ms on every Linux that Node runs on.
    return ((ticks() - before) * 10) / (performance.now() - began)
  } catch {
    return 0
  }
}
