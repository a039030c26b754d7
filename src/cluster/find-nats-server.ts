// Finds the nats-server for the brokers: the one named in SHOAL_NATS_SERVER, else the one fetched before, else the one on
// the PATH, else one from the system's package manager. One that is too old for nats-server.conf is never used. One that
// Shoal was not tested with is used, and called that.

import { execFile, spawn } from 'node:child_process'
import { hash } from 'node:crypto'
import { once } from 'node:events'
import { constants } from 'node:fs'
import { access, readFile } from 'node:fs/promises'
import { delimiter, resolve } from 'node:path'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { processTunables } from '../../config/cluster.ts'
import testedNatsServers from '../../scripts/setup/tested-nats-servers.json' with { type: 'json' }
import { ClusterFailure } from './cluster-failure.ts'
import { cachedNatsServer, cacheFolder, natsServerFetcher } from './package-root.ts'

const run = promisify(execFile)

/** Older versions lack features that nats-server.conf needs. */
const oldest = { major: 2, minor: 11 }

const advice =
  'install nats-server 2.11 or newer (https://nats.io/download) so that it is on the PATH, or name one in SHOAL_NATS_SERVER'

export interface NatsServer {
  readonly path: string
  /** As it says itself, without the v. */
  readonly version: string
}

/** A usable nats-server. Throws ClusterFailure `no-nats-server`, which says what was tried. */
export async function findNatsServer(env: NodeJS.ProcessEnv = process.env): Promise<NatsServer> {
  const named = env.SHOAL_NATS_SERVER
  const candidates = named ? [named] : [cachedNatsServer, 'nats-server']
  const tried: string[] = []
  for (const candidate of candidates) {
    const path = candidate.includes('/') ? candidate : await findOnPath(candidate, env)
    const verdict = await judge(path, env)
    if (typeof verdict === 'object') return { path, ...verdict }
    tried.push(`${path} ${verdict}`)
  }
  throw new ClusterFailure('no-nats-server', `no usable nats-server (${tried.join(', ')}); ${advice}`)
}

/** The same, but fetches one if there is none, which takes seconds. `say` gets lines of progress. */
export async function provideNatsServer(say: (line: string) => void): Promise<NatsServer> {
  try {
    return await findNatsServer()
  } catch (error) {
    if (!(error instanceof ClusterFailure) || process.env.SHOAL_NATS_SERVER) throw error
    const fetcher = spawn(process.execPath, [natsServerFetcher, cacheFolder], { stdio: ['ignore', 'pipe', 'inherit'] })
    for await (const line of createInterface(fetcher.stdout)) say(line)
    if (fetcher.exitCode === null) await once(fetcher, 'exit')
    return await findNatsServer()
  }
}

/** One line for a person: which nats-server it is, and whether it is a build that Shoal was tested with. */
export async function describeNatsServer({ path, version }: NatsServer, tested = testedNatsServers): Promise<string> {
  // A program may be executable without being readable.
  const sha256 = await readFile(path).then(
    bytes => hash('sha256', bytes),
    () => 'unknown',
  )
  if (tested.some(each => each.sha256 === sha256)) return `nats-server ${version}, ${path}`
  const builds = tested.map(each => `${each.version} for ${each.system}`).join(', ')
  return `nats-server ${version}, ${path}, which is not a build that Shoal was tested with (${builds}); its SHA-256 is ${sha256}`
}

/** Its path, or the name itself if no folder of the PATH has it. */
async function findOnPath(name: string, env: NodeJS.ProcessEnv): Promise<string> {
  for (const folder of (env.PATH ?? '').split(delimiter)) {
    const path = resolve(folder, name)
    try {
      await access(path, constants.X_OK)
      return path
    } catch {}
  }
  return name
}

/** Its version, or why it cannot be used. */
async function judge(path: string, env: NodeJS.ProcessEnv): Promise<{ version: string } | string> {
  try {
    const { stdout } = await run(path, ['--version'], { env, timeout: processTunables.versionTimeoutMs })
    const [, version, major, minor] = /v((\d+)\.(\d+)\.[\w.+~-]+)/.exec(stdout) ?? []
    if (version === undefined) return 'does not say its version'
    const fits = Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor)
    return fits ? { version } : `is ${version}, too old`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `does not run: ${code}`
  }
}
