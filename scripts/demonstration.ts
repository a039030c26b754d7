// A download to watch in a cluster that has just started: three people of the cluster's own, each with a real agent. Two of
// them share a file under an upload limit, so that the third takes a minute or two to fetch it. They are kept in the
// cluster's folder, so each cluster has them once; `end` leaves no agent, file or share of theirs.

import { randomBytes } from 'node:crypto'
import { existsSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { writeRandomFile } from '../bench/support/random-file.ts'
import { type CommandRunner, Commands, type Person, person } from './person.ts'

const group = 'demo-reef'
const file = 'sample.bin'
const sharers = [
  { name: 'demo-ann', up: '1MB' },
  { name: 'demo-ben', up: '500k' },
] as const
const fetcher = 'demo-cat'
const names = [...sharers.map(({ name }) => name), fetcher]

interface Delivered {
  readonly seconds: number
  readonly peers: readonly { readonly user: string; readonly pieces: number }[]
}

export interface DemonstrationOptions {
  readonly sizeBytes?: number
  readonly createCommands?: () => CommandRunner
  /** Ends the preparations. */
  readonly signal?: AbortSignal
}

/** Rejects when a command of theirs fails or `signal` is aborted; everything has been ended by then. */
export async function prepareDemonstration(
  clusterFolder: string,
  servers: readonly string[],
  options: DemonstrationOptions = {},
): Promise<Demonstration> {
  const demonstration = new Demonstration(join(clusterFolder, 'demonstration'), servers, options)
  const { signal } = options
  const end = () => void demonstration.end().catch(() => {})
  signal?.addEventListener('abort', end, { once: true })
  try {
    await demonstration.prepare()
    signal?.throwIfAborted()
    return demonstration
  } catch (error) {
    await demonstration.end().catch(() => {})
    throw error
  } finally {
    signal?.removeEventListener('abort', end)
  }
}

export class Demonstration {
  readonly fetcher = fetcher
  readonly #createCommands: () => CommandRunner
  readonly #commands: CommandRunner
  readonly #folder: string
  readonly #servers: readonly string[]
  readonly #sizeBytes: number
  readonly #payload: string
  readonly #arrivals: string
  #ending: Promise<void> | undefined

  /** `folder` is created where it is missing. */
  constructor(
    folder: string,
    servers: readonly string[],
    { sizeBytes = 128 * 2 ** 20, createCommands = () => new Commands() }: DemonstrationOptions = {},
  ) {
    mkdirSync(folder, { recursive: true, mode: 0o700 })
    this.#createCommands = createCommands
    this.#commands = createCommands()
    this.#folder = folder
    this.#servers = servers
    this.#sizeBytes = sizeBytes
    this.#payload = join(folder, file)
    this.#arrivals = join(folder, 'arrivals')
  }

  async prepare(): Promise<void> {
    const people = names.map(name => this.#person(name))
    await Promise.all(
      people.map(async ({ name, shoal }) => {
        // The account may exist; if anything else is wrong, logging in says what.
        await shoal('signup', name).catch(() => {})
        await shoal('login', name)
      }),
    )
    await joinGroup(people[0]!, people.slice(1))
    // A complete file left by a killed run is as good.
    if (!existsSync(this.#payload) || statSync(this.#payload).size !== this.#sizeBytes)
      writeRandomFile(this.#payload, this.#sizeBytes)
    for (const { name, up } of sharers) {
      const { shoal } = this.#person(name)
      await shoal('limit', 'up', up)
      await shoal('share', this.#payload, group)
    }
  }

  /** Resolves once all has arrived. */
  async download(): Promise<Delivered> {
    const { shoal, follow } = this.#person(fetcher)
    // What arrived last time is removed, or there would be nothing to fetch.
    await shoal('unshare', group, file).catch(() => {})
    rmSync(this.#arrivals, { recursive: true, force: true })
    mkdirSync(this.#arrivals)
    let last = ''
    await follow(['download', group, file, this.#arrivals, '--wait', '--json'], line => {
      last = line
    })
    return JSON.parse(last) as Delivered
  }

  /** Also stops what is running. May be called again. */
  end(): Promise<void> {
    this.#ending ??= this.#end()
    return this.#ending
  }

  async #end(): Promise<void> {
    await this.#commands.stop()
    const commands = this.#createCommands()
    const cat = this.#person(fetcher, commands)
    const downloads = JSON.parse(await cat.shoal('downloads', '--json').catch(() => '[]')) as DownloadState[]
    for (const { id, state } of downloads)
      if (!['completed', 'failed', 'cancelled'].includes(state)) await cat.shoal('cancel', String(id)).catch(() => {})
    await Promise.all(
      names.map(async name => {
        const { shoal } = this.#person(name, commands)
        await shoal('unshare', group, file).catch(() => {})
        await shoal('agent', 'stop')
      }),
    )
    for (const gone of [this.#payload, this.#arrivals]) rmSync(gone, { recursive: true, force: true })
  }

  #person(name: string, commands = this.#commands): Person {
    const home = join(this.#folder, name)
    return person(commands, { name, home, servers: this.#servers, password: passwordIn(this.#folder) })
  }
}

interface DownloadState {
  readonly id: number
  readonly state: string
}

async function joinGroup(owner: Person, others: readonly Person[]): Promise<void> {
  const roleOf = async ({ shoal }: Person) => {
    const groups = JSON.parse(await shoal('group', 'list', '--json')) as { group: string; you: string }[]
    return groups.find(each => each.group === group)?.you
  }
  if ((await roleOf(owner)) === undefined) await owner.shoal('group', 'create', group)
  for (const other of others) {
    const role = await roleOf(other)
    if (role === 'member' || role === 'owner') continue
    if (role !== 'requested') await other.shoal('group', 'join', group)
    await owner.shoal('group', 'accept', group, other.name)
  }
}

/** One for the three, made once; as secret as the cluster's own secrets beside it. */
function passwordIn(folder: string): string {
  const path = join(folder, 'password')
  if (!existsSync(path)) writeFileSync(path, randomBytes(24).toString('base64url'), { mode: 0o600 })
  return readFileSync(path, 'utf8')
}
