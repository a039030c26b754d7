// Downloads nats-server's package with apt and unpacks it, with no installation and no administrator's rights: from the
// machine's own release if its version is new enough, else from a newer release on the machine's own mirror. An index counts
// only if the distribution's own keyring verifies it, whatever this machine is configured to accept. apt's state, lists and
// cache for this live in a folder of ours; mirrors, proxies and log-ins are the machine's.

import { existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, step } from './step.mjs'

const distributions = {
  debian: { newerSuites: ['forky', 'sid'], component: 'main', keyring: 'debian-archive-keyring' },
  ubuntu: { newerSuites: ['devel'], component: 'universe', keyring: 'ubuntu-archive-keyring' },
}

/** Where a machine describes itself and keeps the keys of its distribution. */
const thisMachine = { osRelease: '/etc/os-release', keyrings: '/usr/share/keyrings' }

/** A machine may be configured to take what nobody signed (apt.conf(5), apt-secure(8)). These options overrule that. */
export const onlyVerified = options({
  'APT::Get::AllowUnauthenticated': 'false',
  'Acquire::AllowInsecureRepositories': 'false',
  'Acquire::AllowWeakRepositories': 'false',
  'Acquire::AllowDowngradeToInsecureRepositories': 'false',
})

/** Yields attempts, best first: `{ from, binary }`, or `{ why }` where there was none. Stop at the first that fits. */
export async function* fetchFromApt(work, env, machine = thisMachine) {
  const system = readOsRelease(machine.osRelease)
  const names = [system.ID, ...(system.ID_LIKE ?? '').split(' ')]
  const distribution = distributions[names.find(name => Object.hasOwn(distributions, name ?? ''))]
  if (distribution === undefined) return yield { why: `apt: we know no keyring of ${system.ID ?? 'this system'}` }
  const keyring = keyringFile(machine.keyrings, distribution)
  if (keyring === undefined)
    return yield {
      why: `apt: ${distribution.keyring} is not in ${machine.keyrings}, so what a mirror says cannot be verified; install that package, then try again`,
    }
  const configured = await sources(env)
  if (configured.length === 0) yield { why: 'apt: no mirror is configured' }
  const mirrors = [...new Set(configured.map(({ mirror }) => mirror))]
  const newer = mirrors.flatMap(mirror => distribution.newerSuites.map(suite => ({ mirror, suite })))
  const candidates = (await offersNewEnough(env)) ? [...configured, ...newer] : newer
  for (const [index, { mirror, suite }] of candidates.entries()) {
    const folder = join(work, `${index}-${suite}`)
    const source = `deb [signed-by=${keyring}] ${mirror} ${suite} ${distribution.component}\n`
    // A mirror's address may hold a password.
    yield attempt(folder, source, `${suite} of ${mirror.replace(/\/\/[^/]*@/, '//')}`, env)
  }
}

async function offersNewEnough(env) {
  const { output } = await run('apt-cache', ['policy', 'nats-server'], { env })
  const [, major, minor] = (/Candidate: (\d+)\.(\d+)\./.exec(output) ?? []).map(Number)
  return major > 2 || (major === 2 && minor >= 11)
}

function attempt(folder, source, from, env) {
  return step(`fetching nats-server from ${from} with apt`, async () => {
    const unpacked = join(folder, 'unpacked')
    const apt = [...ownFolders(folder, source), ...onlyVerified]
    const archive = () => join(folder, readdirSync(folder).find(name => name.endsWith('.deb')) ?? '')
    const commands = [
      ['apt-get', () => [...apt, 'update']],
      ['apt-get', () => [...apt, 'download', 'nats-server']],
      ['dpkg', () => ['-x', archive(), unpacked]],
    ]
    for (const [program, args] of commands) {
      const { ok, output } = await run(program, args(), { cwd: folder, env })
      if (!ok) return { why: `apt, ${from}: ${reason(output)}` }
    }
    const binary = ['usr/sbin', 'usr/bin'].map(bin => join(unpacked, bin, 'nats-server')).find(path => existsSync(path))
    return binary === undefined ? { why: `apt, ${from}: no nats-server in the package` } : { from, binary }
  })
}

/**
 * The mirrors and suites this machine is configured with, in whichever format its sources are, also before it has any lists.
 * Some may be of other archives than the distribution's; those fail their check against its keyring.
 */
async function sources(env) {
  const { output } = await run('apt-get', ['update', '--print-uris'], { env })
  const releases = [...output.matchAll(/^'(\S+)\/dists\/([^/']+)\/InRelease'/gm)]
  // Not -updates, -security, -backports: what stands beside a release need not hold other releases.
  return releases.filter(([, , suite]) => !suite.includes('-')).map(([, mirror, suite]) => ({ mirror, suite }))
}

function ownFolders(folder, source) {
  for (const part of ['state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, part), { recursive: true })
  writeFileSync(join(folder, 'sources.list'), source)
  return options({
    'Dir::State': join(folder, 'state'),
    'Dir::Cache': join(folder, 'cache'),
    'Dir::Etc::SourceList': join(folder, 'sources.list'),
    'Dir::Etc::SourceParts': '-',
    // An index that does not arrive, or does not verify, fails and says why; by default it may be a warning.
    'APT::Update::Error-Mode': 'any',
    // It may name a release that this source does not have.
    'APT::Default-Release': '',
    // The folder is ours alone, so apt's own user could not write to it.
    'APT::Sandbox::User': 'root',
    'Acquire::Languages': 'none',
  })
}

const keyringFile = (folder, { keyring }) =>
  ['gpg', 'pgp'].map(ending => join(folder, `${keyring}.${ending}`)).find(path => existsSync(path))

function options(values) {
  return Object.entries(values).flatMap(([name, value]) => ['-o', `${name}=${value}`])
}

function readOsRelease(file) {
  try {
    const lines = readFileSync(file, 'utf8').matchAll(/^(\w+)="?(.*?)"?$/gm)
    return Object.fromEntries([...lines].map(([, name, value]) => [name, value]))
  } catch {
    return {}
  }
}

/** A signature that fails is a warning before the error that follows from it; the first error explains those after it. */
const reason = output => /^[EW]: GPG error.*|^E: .*/m.exec(output)?.[0] ?? output.trim().split('\n').at(-1)
