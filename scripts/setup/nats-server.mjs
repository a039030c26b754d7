// Finds nats-server 2.11 or newer (older ones lack what nats-server.conf needs): the one named in SHOAL_NATS_SERVER, the
// one fetched before, or the one on the PATH; else fetches it with the system's package manager. What is fetched goes into a
// cache folder; Homebrew alone has to install it.

import { chmodSync, copyFileSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fetchFromApt } from './apt.mjs'
import { run, SetupFailed, step } from './step.mjs'

const advice =
  'install nats-server 2.11 or newer (https://nats.io/download) so that it is on the PATH, or name one in SHOAL_NATS_SERVER'

/** Keeps what it fetches in `cache`, as nats-server/nats-server. Throws SetupFailed, which says what was tried. */
export async function ensureNatsServer(cache, env) {
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
      for await (const attempt of fetchFromApt(work, env)) {
        if (attempt.binary === undefined) tried.push(attempt.why)
        else if (await fits(attempt.binary, env)) return keep(attempt.binary, cached)
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
function keep(binary, path) {
  mkdirSync(dirname(path), { recursive: true })
  const fresh = `${path}.${process.pid}`
  copyFileSync(binary, fresh)
  chmodSync(fresh, 0o755)
  renameSync(fresh, path)
}
