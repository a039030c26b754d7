// Which nats-server runs the brokers: the one that is named, else the set-up's, else the one on the PATH.
// It is new enough for the auth callout, or it is not used.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'
import { ClusterFailure } from './cluster-failure.ts'
import { cachedNatsServer } from './package-root.ts'

const run = promisify(execFile)

/** Older ones lack what nats-server.conf asks for. */
const oldest = { major: 2, minor: 11 }

const advice =
  'run `npm run setup` in a checkout, install nats-server 2.11 or newer (https://nats.io/download), or name one in SHOAL_NATS_SERVER'

/** The path of one that can be run. Throws ClusterFailure `no-nats-server`, saying what was tried. */
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

async function judge(path: string, env: NodeJS.ProcessEnv): Promise<string> {
  try {
    const { stdout } = await run(path, ['--version'], { env, timeout: 10_000 })
    const [, major, minor] = /v(\d+)\.(\d+)\./.exec(stdout) ?? []
    if (major === undefined || minor === undefined) return 'does not say its version'
    const fits = Number(major) > oldest.major || (Number(major) === oldest.major && Number(minor) >= oldest.minor)
    return fits ? 'fits' : `is ${major}.${minor}, too old`
  } catch (error) {
    const { code } = error as NodeJS.ErrnoException
    return code === 'ENOENT' ? 'is not there' : `does not run: ${code}`
  }
}
