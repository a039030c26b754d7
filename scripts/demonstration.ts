// A download to look at, for whoever has just started a cluster: three people of the cluster's own, each with a real agent,
// two of whom share a file under an upload limit, so that the third takes a minute or two to fetch it. The people are kept
// in the cluster's folder, so each cluster has them once; `end` leaves no agent, file or share of theirs.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeRandomFile } from '../bench/support/random-file.ts'
import { endCommands, type Person, person } from './person.ts'

const group = 'demo-reef'
const file = 'sample.bin'
const sharers = [
  { name: 'demo-ann', up: '1MB' },
  { name: 'demo-ben', up: '500k' },
]
const fetcher = 'demo-cat'

interface Delivered {
  readonly seconds: number
  readonly peers: readonly { readonly user: string; readonly pieces: number }[]
}

export interface Demonstration {
  readonly fetcher: string
  /** Resolves once all has arrived. */
  download(): Promise<Delivered>
  end(): Promise<void>
}

/** Rejects when a command of theirs fails. */
export async function prepareDemonstration(
  clusterFolder: string,
  servers: readonly string[],
  { sizeBytes = 128 * 2 ** 20, personOf = person } = {},
): Promise<Demonstration> {
  const folder = join(clusterFolder, 'demonstration')
  const arrivals = join(folder, 'arrivals')
  const payload = join(folder, file)
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  const password = passwordIn(folder)
  const who = (name: string) => personOf(name, join(folder, name), servers.join(','), password)
  const people = sharers.map(({ name, up }) => ({ ...who(name), up }))
  const cat = who(fetcher)
  const owner = people[0]!
  const everybody: Person[] = [...people, cat]

  const end = async () => {
    const running = JSON.parse(await cat.shoal('downloads', '--json').catch(() => '[]')) as View[]
    for (const { id, state } of running)
      if (!['completed', 'failed', 'cancelled'].includes(state)) await cat.shoal('cancel', String(id)).catch(() => {})
    endCommands()
    await Promise.all(
      everybody.map(async ({ shoal }) => {
        await shoal('unshare', group, file).catch(() => {})
        await shoal('agent', 'stop')
      }),
    )
    for (const gone of [payload, arrivals]) rmSync(gone, { recursive: true, force: true })
  }

  try {
    await Promise.all(
      everybody.map(async ({ name, shoal }) => {
        // Known from before, or else logging in says what is wrong.
        await shoal('signup', name).catch(() => {})
        await shoal('login', name)
      }),
    )
    const groupsOf = async ({ shoal }: Person) =>
      (JSON.parse(await shoal('group', 'list', '--json')) as { group: string; you: string }[]).find(
        each => each.group === group,
      )
    if (!(await groupsOf(owner))) await owner.shoal('group', 'create', group)
    for (const other of everybody.slice(1)) {
      const { you } = (await groupsOf(other)) ?? {}
      if (you === 'member' || you === 'owner') continue
      if (you !== 'requested') await other.shoal('group', 'join', group)
      await owner.shoal('group', 'accept', group, other.name)
    }
    // Left by one that was killed, it is as good.
    if (!existsSync(payload) || statSync(payload).size !== sizeBytes) writeRandomFile(payload, sizeBytes)
    for (const { up, shoal } of people) {
      await shoal('limit', 'up', up)
      await shoal('share', payload, group)
    }
  } catch (error) {
    await end().catch(() => {})
    throw error
  }

  return {
    fetcher,
    async download() {
      // What arrived last time is not kept, or there would be nothing to fetch.
      await cat.shoal('unshare', group, file).catch(() => {})
      rmSync(arrivals, { recursive: true, force: true })
      mkdirSync(arrivals)
      let last = ''
      await cat.follow(['download', group, file, arrivals, '--wait', '--json'], line => {
        last = line
      })
      return JSON.parse(last) as Delivered
    },
    end,
  }
}

interface View {
  readonly id: number
  readonly state: string
}

/** One for the three, made once; as secret as the cluster's own secrets beside it. */
function passwordIn(folder: string): string {
  const path = join(folder, 'password')
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('base64url'), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}
