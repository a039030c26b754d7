// What people with agents do, all by the command line: share files in one group, fetch each other's, pause, resume, cancel,
// stop sharing, log out and in. Every download that was not cancelled must end with the bytes that were shared.

import { randomFillSync } from 'node:crypto'
import { existsSync, mkdirSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import type { DownloadDocument } from '../../src/cli/render/downloads.ts'
import type { Delivered } from './check/history.ts'
import { type CommandPerson, sha256Of } from './command-person.ts'
import { oneOf } from './workload.ts'

export const sharedGroup = 'wreck'

export interface Sharer {
  readonly person: CommandPerson
  /** Files to share, and where downloads go. */
  readonly folder: string
  /** No fault may end this person's agent meanwhile: a log-in would start a new one, outside every host. */
  whileAgentRuns<T>(work: () => Promise<T>): Promise<T>
}

export interface Sharing {
  readonly deliveries: Delivered[]
  readonly commands: { count: number; failed: number }
  settle(withinMs: number): Promise<readonly string[]>
}

/** Makes accounts, the group and two files for each person. Throws if that fails: no fault strikes yet. */
export async function beginSharing(sharers: readonly Sharer[], mib: number): Promise<Map<string, string>> {
  const originals = new Map<string, string>()
  const [owner] = sharers
  for (const { person, folder } of sharers) {
    const must = async (words: string, input = {}) => {
      const result = await person.run(words, input)
      if (!result.ok) throw new Error(`${person.user}: ${words}: ${result.message}`)
    }
    const { user } = person
    await must('signup', { user })
    await must('login', { user })
    await must('limit', { down: '3MB' })
    if (person === owner!.person) await must('group create', { group: sharedGroup })
    else {
      await must('group join', { group: sharedGroup })
      const accepted = await owner!.person.run('group accept', { group: sharedGroup, user })
      if (!accepted.ok) throw new Error(accepted.message)
    }
    mkdirSync(join(folder, 'own'), { recursive: true })
    for (const number of [1, 2]) {
      const name = `${user}-${number}.bin`
      const path = join(folder, 'own', name)
      writeFileSync(path, randomFillSync(Buffer.alloc(mib * 2 ** 20)))
      originals.set(name, sha256Of(path))
      await must('share', { path, group: sharedGroup })
    }
  }
  return originals
}

export function goOnSharing(
  sharers: readonly Sharer[],
  originals: ReadonlyMap<string, string>,
  chance: () => number,
  signal: AbortSignal,
): { readonly sharing: Sharing; readonly ended: Promise<unknown> } {
  const deliveries: Delivered[] = []
  const commands = { count: 0, failed: 0 }
  const compared = new Set<string>()

  const run = async <T>({ person }: Sharer, words: string, input = {}) => {
    const result = await person.run<T>(words, input)
    commands.count++
    if (!result.ok) commands.failed++
    return result
  }
  const listed = async (sharer: Sharer) => {
    const list = await run<DownloadDocument[]>(sharer, 'downloads')
    return list.ok ? list.value : []
  }
  /** Compares what has arrived and removes it, to make room for the next. */
  const compare = (sharer: Sharer, views: readonly DownloadDocument[]) => {
    const { user } = sharer.person
    for (const { id, name, state, path, error } of views) {
      const key = `${user} ${id}`
      if (compared.has(key)) continue
      const isOver = state === 'completed' || (state === 'failed' && error?.code === 'integrity')
      if (!isOver) continue
      compared.add(key)
      const found = state === 'failed' ? 'its hash was wrong' : existsSync(path) ? sha256Of(path) : 'no file'
      deliveries.push({ device: user, name, expected: originals.get(name) ?? '', found })
      rmSync(path, { force: true })
    }
  }
  const isInactive = ({ state }: DownloadDocument) => ['completed', 'cancelled', 'failed', 'paused'].includes(state)

  async function live(sharer: Sharer): Promise<void> {
    const { person, folder } = sharer
    const { user } = person
    const strange = [...originals.keys()].filter(name => !name.startsWith(`${user}-`))
    for (let number = 0; !signal.aborted; number++) {
      const views = await listed(sharer)
      compare(sharer, views)
      const running = views.filter(view => !isInactive(view))
      const stopped = views.filter(({ state }) => state === 'paused' || state === 'failed')
      const dice = chance()
      if (dice < 0.4 && running.length < 3) {
        const to = join(folder, `d${number}`)
        try {
          mkdirSync(to, { recursive: true })
        } catch {
          // The disk is full.
        }
        await run(sharer, 'download', { group: sharedGroup, name: oneOf(chance, strange), dest: to })
      } else if (dice < 0.5 && running.length > 0) await run(sharer, 'pause', { id: String(oneOf(chance, running).id) })
      else if (dice < 0.65 && stopped.length > 0) await run(sharer, 'resume', { id: String(oneOf(chance, stopped).id) })
      else if (dice < 0.68 && running.length > 0) await run(sharer, 'cancel', { id: String(oneOf(chance, running).id) })
      else if (dice < 0.72) {
        const name = `${user}-2.bin`
        const gone = await run(sharer, 'unshare', { group: sharedGroup, name })
        await delay(1_000)
        if (gone.ok) await run(sharer, 'share', { path: join(folder, 'own', name), group: sharedGroup })
      } else if (dice < 0.75)
        await sharer.whileAgentRuns(async () => {
          await run(sharer, 'logout')
          await run(sharer, 'login', { user })
        })
      else
        await run(sharer, oneOf(chance, ['whoami', 'trackers', 'group list', 'files', 'group members']), {
          group: sharedGroup,
        })
      await delay(300 + chance() * 1_500, undefined, { signal }).catch(() => {})
    }
  }

  const sharing: Sharing = {
    deliveries,
    commands,
    /** Logs everyone in, shares and resumes everything; returns what is still incomplete, in words. */
    async settle(withinMs) {
      const until = Date.now() + withinMs
      for (;;) {
        const open: string[] = []
        for (const sharer of sharers) {
          const { person, folder } = sharer
          const { user } = person
          const who = await person.run<{ agent: string }>('whoami')
          if (!who.ok) await sharer.whileAgentRuns(() => person.run('login', { user }))
          for (const number of [1, 2])
            await person.run('share', { path: join(folder, 'own', `${user}-${number}.bin`), group: sharedGroup })
          const list = await person.run<DownloadDocument[]>('downloads')
          if (!list.ok) {
            open.push(`${user}: ${list.code} ${list.message}`)
            continue
          }
          compare(sharer, list.value)
          for (const { id, name, state, error } of list.value) {
            if (['completed', 'cancelled'].includes(state) || compared.has(`${user} ${id}`)) continue
            open.push(`${user}: ${name} is ${state} (${error?.code ?? 'no error'}: ${error?.message ?? ''})`)
            if (state === 'paused' || state === 'failed') await person.run('resume', { id: String(id) })
          }
        }
        if (open.length === 0 || Date.now() > until) return open
        await delay(1_000)
      }
    },
  }
  return { sharing, ended: Promise.all(sharers.map(live)) }
}
