// Finds the nats-server for the brokers: the one named in SHOAL_NATS_SERVER, else the one fetched before, else the one on
// the PATH, else one from the system's package manager. One that is too old for nats-server.conf is never used.

import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { promisify } from 'node:util'
import { processTunables } from '../../config/cluster.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { cachedNatsServer, cacheFolder, natsServerFetcher } from './package-root.ts'

const run = promisify(execFile)

/** Older versions lack features that nats-server.conf needs. */
const oldest = { major: 2, minor: 11 }

const advice =
  'install nats-server 2.11 or newer (https://nats.io/download) so that it is on the PATH, or name one in SHOAL_NATS_SERVER'

/** The path of a usable nats-server. Throws ClusterFailure `no-nats-server`, which says what was tried. */
export async function findNatsServer(env: NodeJS.ProcessEnv = process.env): Promise<string> {
  const named = env.SHOAL_NATS_SERVER
  const candidates = named ? [named] : [cachedNatsServer, 'nats-server']
  const tried: string[] = []
  for (const path of candidates) {
    const verdict = await judge(path, env)
    if (verdict === 'fits') return path
    tried.push(`${path} ${verdict}`)
  }
  throw new ClusterFailure('no-nats-server', `no usable nats-server (${tried.join(', ')}); ${advice}`)
}

/** The same, but fetches one if there is none, which takes seconds. `say` gets lines of progress. */
export async function provideNatsServer(say: (line: string) => void): Promise<string> {
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

async function judge(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await run(path, ['--version'], { env, timeout: processTunables.versionTimeoutMs })
    const [, major, minor] = /v(\d+)\.(\d+)\./.exec(stdout) ?? []
    if (major === undefined || minor === undefined) return 'does not say its version'
    const fits = Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor)
    return fits ? 'fits' : `is ${major}.${minor}, too old`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `does not run: ${code}`
  }
}
