// Finds nats-server 2.11 or newer (older ones lack what nats-server.conf needs): the one named in SHOAL_NATS_SERVER, the
// one fetched before, or the one on the PATH; else fetches it with the system's package manager, and says whether it is a
// build that Shoal was tested with. What is fetched goes into a cache folder; Homebrew alone has to install it.

import { createHash } from 'node:crypto'
import { chmodSync, copyFileSync, mkdirSync, readFileSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fetchFromApt } from './apt.mjs'
import { run, SetupFailed, step } from './step.mjs'

const advice =
  'install nats-server 2.11 or newer (https://nats.io/download) so that it is on the PATH, or name one in SHOAL_NATS_SERVER'

/** By the SHA-256 of the binary. Packages of other releases may be as good, so none is refused for not being here. */
const tested = JSON.parse(readFileSync(new URL('tested-nats-servers.json', import.meta.url), 'utf8'))

/**
 * Keeps what it fetches in `cache`, as nats-server/nats-server. Throws SetupFailed, which says what was tried. `machine` is
 * where apt's distribution and its keys are found.
 */
export async function ensureNatsServer(cache, env, machine = undefined) {
  const named = env.SHOAL_NATS_SERVER
  if (named) {
    if (await fits(named, env)) return
    throw new SetupFailed(`SHOAL_NATS_SERVER names ${named}, which is not nats-server 2.11 or newer; ${advice}`)
  }
  const cached = join(cache, 'nats-server', 'nats-server')
  if ((await fits(cached, env)) || (await fits('nats-server', env))) return

  const tried = []
  if (await isThere('apt-get', env)) {
    const work = join(cache, 'apt')
    try {
      for await (const attempt of fetchFromApt(work, env, machine)) {
        if (attempt.binary === undefined) tried.push(attempt.why)
        else if (await fits(attempt.binary, env)) return keep(attempt, cached)
        else tried.push(`nats-server from ${attempt.from} does not run here, or is too old`)
      }
    } finally {
      rmSync(work, { recursive: true, force: true })
    }
  } else if (await isThere('brew', env)) {
    const { ok, output } = await step('installing nats-server with Homebrew', () =>
      run('brew', ['install', '--quiet', 'nats-server'], { env }),
    )
    if (ok && (await fits('nats-server', env))) return
    tried.push(`brew: ${output.trim()}`)
  } else {
    tried.push('this machine has neither apt-get nor brew')
  }
  throw new SetupFailed(
    `no nats-server on this machine, and none could be fetched:\n  ${tried.join('\n  ')}\n${advice}`,
  )
}

/** Whether that program is nats-server, runs here, and is new enough. */
async function fits(program, env) {
  const { ok, output } = await run(program, ['--version'], { env })
  const [, major, minor] = (/v(\d+)\.(\d+)\./.exec(output) ?? []).map(Number)
  return ok && (major > 2 || (major === 2 && minor >= 11))
}

const isThere = async (program, env) => (await run(program, ['--version'], { env })).ok

/** Copies under another name first: `path` never holds half of it. */
function keep({ binary, from }, path) {
  mkdirSync(dirname(path), { recursive: true })
  const fresh = `${path}.${process.pid}`
  copyFileSync(binary, fresh)
  chmodSync(fresh, 0o755)
  const sha256 = createHash('sha256').update(readFileSync(fresh)).digest('hex')
  const known = tested.find(each => each.sha256 === sha256)
  const verdict = known
    ? `version ${known.version}, which Shoal was tested with`
    : `not a build that Shoal was tested with (${tested.map(({ version, system }) => `${version}, ${system}`).join('; ')})`
  console.log(`set-up: nats-server from ${from} is verified by the distribution's keys: ${verdict}; SHA-256 ${sha256}`)
  renameSync(fresh, path)
}
