// Downloads nats-server's package with apt and unpacks it, with no installation and no administrator's rights: from the
// machine's own release if its version is new enough, else from a newer release on the machine's own mirror. apt's state,
// lists and cache for this live in a folder of ours; keys, proxies and log-ins are the machine's.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, step } from './step.mjs'

const newerReleases = {
  debian: { suites: ['forky', 'sid'], component: 'main', keyring: 'debian-archive-keyring' },
  ubuntu: { suites: ['devel'], component: 'universe', keyring: 'ubuntu-archive-keyring' },
}

/** Yields attempts, best first: `{ from, binary }`, or `{ why }` where there was none. Stop at the first that fits. */
export async function* fetchFromApt(work, env) {
  const offered = await run('apt-cache', ['policy', 'nats-server'], { env })
  const [, major, minor] = (/Candidate: (\d+)\.(\d+)\./.exec(offered.output) ?? []).map(Number)
  if (major > 2 || (major === 2 && minor >= 11)) yield attempt(join(work, 'own'), [], 'this release', env)

  const system = readOsRelease()
  const newer = newerReleases[system.ID]
  if (newer === undefined) return yield { why: `apt: we know of no newer release for ${system.ID ?? 'this system'}` }
  const known = await mirrors(env)
  if (known.length === 0) yield { why: 'apt: no mirror is configured' }
  for (const [index, mirror] of known.entries()) {
    // A mirror's address may hold a password.
    const shown = mirror.replace(/\/\/[^/]*@/, '//')
    for (const suite of newer.suites) {
      const folder = join(work, `${index}-${suite}`)
      yield attempt(folder, sourceOptions(folder, mirror, suite, newer), `${suite} of ${shown}`, env)
    }
  }
}

function attempt(folder, options, from, env) {
  return step(`fetching nats-server from ${from} with apt`, async () => {
    mkdirSync(folder, { recursive: true })
    const unpacked = join(folder, 'unpacked')
    const archive = () => join(folder, readdirSync(folder).find(name => name.endsWith('.deb')) ?? '')
    const commands = [
      // The lists of the machine's own release are there already, or it would have offered nothing.
      ...(options.length > 0 ? [['apt-get', () => [...options, 'update']]] : []),
      ['apt-get', () => [...options, 'download', 'nats-server']],
      ['dpkg', () => ['-x', archive(), unpacked]],
    ]
    for (const [program, args] of commands) {
      const { ok, output } = await run(program, args(), { cwd: folder, env })
      if (!ok) return { why: `apt, ${from}: ${lastLine(output)}` }
    }
    const binary = ['usr/sbin', 'usr/bin'].map(bin => join(unpacked, bin, 'nats-server')).find(path => existsSync(path))
    return binary === undefined ? { why: `apt, ${from}: no nats-server in the package` } : { from, binary }
  })
}

/**
 * The mirrors this machine is configured with, in whichever format its sources are, also before it has any lists. Some
 * may be of other archives than the system's own; those fail their check against its keyring.
 */
async function mirrors(env) {
  const { output } = await run('apt-get', ['update', '--print-uris'], { env })
  const releases = [...output.matchAll(/^'(\S+)\/dists\/([^/']+)\/InRelease'/gm)]
  // Not -updates, -security, -backports: what stands beside a release need not hold other releases.
  return [...new Set(releases.filter(([, , release]) => !release.includes('-')).map(([, uri]) => uri))]
}

function sourceOptions(folder, mirror, suite, { component, keyring }) {
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, part), { recursive: true })
  const key = ['gpg', 'pgp'].map(ending => `/usr/share/keyrings/${keyring}.${ending}`).find(path => existsSync(path))
  const source = `deb ${key ? `[signed-by=${key}] ` : ''}${mirror} ${suite} ${component}\n`
  writeFileSync(join(folder, 'sources.list'), source)
  const options = {
    'Dir::State': join(folder, 'state'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    // The folder is ours alone, so apt's own user could not write to it.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  }
  return Object.entries(options).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

function readOsRelease() {
  try {
    const lines = readFileSync('/etc/os-release', 'utf8').matchAll(/^(\w+)="?(.*?)"?$/gm)
    return Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
  } catch {
    return {}
  }
}

const lastLine = output => output.trim().split('\n').at(-1)
