// What set-up takes from a Debian archive, and what it refuses: real apt against an archive of the test's own.

import { execFile, execFileSync } from 'node:child_process'
import { appendFileSync, existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import ava, { type ExecutionContext } from 'ava'
import { ArchiveKey, createArchive, type DebianArchive } from '../helpers/debian-archive.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const hasApt = ['/usr/bin/apt-get', '/usr/bin/dpkg-deb'].every(program => existsSync(program))
/** One at a time: each is a dozen processes. */
const test = hasApt ? ava.serial : ava.serial.skip

const script = `
import { ensureNatsServer } from ${JSON.stringify(fileURLToPath(new URL('../../scripts/setup/nats-server.mjs', import.meta.url)))}
const [cache, machine] = JSON.parse(process.argv[1])
await ensureNatsServer(cache, process.env, machine)`

/** A Debian machine whose only mirror is `archive`, and which is configured to trust whatever it says. */
function machine(t: ExecutionContext, { version = '2.12.3', suite = 'forky' } = {}) {
  const folder = tempFolder(t)
  const key = new ArchiveKey()
  const archive = createArchive(join(folder, 'archive'), suite, version)
  archive.signBy(key)
  for (const name of ['etc', 'bin', 'keyrings', 'state/lists/partial', 'cache/archives/partial'])
    mkdirSync(join(folder, name), { recursive: true })
  writeFileSync(join(folder, 'etc/sources.list'), `deb [trusted=yes] ${archive.uri} ${suite} main\n`)
  writeFileSync(join(folder, 'os-release'), 'ID=ours\nID_LIKE="debian"\n')
  const keyring = join(folder, 'keyrings/debian-archive-keyring.gpg')
  writeFileSync(keyring, key.keyring())
  // This machine may have a nats-server of its own on the PATH.
  writeFileSync(join(folder, 'bin/nats-server'), "#!/bin/sh\necho 'nats-server: v2.9.10'\n", { mode: 0o755 })
  const lenient = ['APT::Get::AllowUnauthenticated', 'Acquire::AllowInsecureRepositories']
  const alsoLenient = ['Acquire::AllowWeakRepositories', 'Acquire::AllowDowngradeToInsecureRepositories']
  const folders = ['Etc "etc"', 'State "state"', 'Cache "cache"'].map(
    each => `Dir::${each.replace(' "', ` "${folder}/`)};`,
  )
  const trusting = [...lenient, ...alsoLenient].map(name => `${name} "true";`)
  writeFileSync(
    join(folder, 'apt.conf'),
    [...folders, ...trusting, 'APT::Default-Release "own";', 'APT::Sandbox::User "root";'].join('\n'),
  )
  const env = { PATH: `${join(folder, 'bin')}:/usr/bin:/bin`, APT_CONFIG: join(folder, 'apt.conf') }
  const cache = join(folder, 'ours')
  return {
    archive,
    key,
    keyring,
    env,
    scratch: join(cache, 'apt'),
    cached: join(cache, 'nats-server/nats-server'),
    fetch: () => {
      const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>()
      const where = { osRelease: join(folder, 'os-release'), keyrings: join(folder, 'keyrings') }
      const args = ['--input-type=module', '--eval', script, JSON.stringify([cache, where])]
      execFile(process.execPath, args, { env }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      )
      return promise
    },
  }
}

test('A package that the keys of the distribution verify takes the place of an old nats-server.', async t => {
  const { fetch, cached, scratch } = machine(t)
  const { code, output } = await fetch()
  t.is(code, 0, output)
  t.regex(output, /^set-up: fetching nats-server from forky of \S+ with apt: done in/m)
  t.regex(output, /verified by the distribution's keys: not a build that Shoal was tested with \(2\.15\.1, linux-x64/)
  t.regex(readFileSync(cached, 'utf8'), /2\.12\.3/)
  t.is(statSync(cached).mode & 0o777, 0o755)
  t.false(existsSync(scratch))
  t.deepEqual(await fetch(), { code: 0, output: '' }, 'the second run has nothing to do')
})

const tampering: Record<string, { act: (archive: DebianArchive, key: ArchiveKey) => void; why: RegExp }> = {
  'has no signature': { act: archive => archive.signBy(undefined), why: /is not signed/ },
  'is signed by another key': {
    act: archive => archive.signBy(new ArchiveKey()),
    why: /NO_PUBKEY|no public key|Missing key/,
  },
  'was changed after it was signed': {
    act: ({ release }) => appendFileSync(release, 'Origin: Debian\n'),
    why: /BADSIG|bad signature|invalid/i,
  },
  'covers another list of packages': {
    act: ({ packages }) => appendFileSync(packages, '\n'),
    why: /unexpected size|mismatch/i,
  },
  'covers another package': { act: ({ deb }) => appendFileSync(deb, '\n'), why: /unexpected size|mismatch/i },
}

for (const [what, { act, why }] of Object.entries(tampering)) {
  test(`Nothing is taken from an archive whose index ${what}, although this machine trusts it.`, async t => {
    const { archive, key, fetch, cached } = machine(t)
    act(archive, key)
    const { code, output } = await fetch()
    t.is(code, 1)
    t.regex(output, why)
    t.regex(output, /install nats-server 2\.11 or newer/)
    t.notRegex(output, /done in/)
    t.is(output.match(/fetching nats-server from forky .+: failed after [\d.]+ s$/gm)?.length, 1, output)
    t.false(existsSync(cached))
  })
}

for (const isSigned of [true, false]) {
  const [title, verdict] = isSigned ? ['A signed', 'taken'] : ['An unsigned', 'refused']
  test(`${title} package of the machine's own release is ${verdict}.`, async t => {
    const { archive, key, env, fetch, cached } = machine(t, { suite: 'own' })
    archive.signBy(isSigned ? key : undefined)
    // The machine's own lists offer the package, which it would install without a question.
    execFileSync('apt-get', ['update'], { env, stdio: 'ignore' })
    const { code, output } = await fetch()
    t.is(code, isSigned ? 0 : 1, output)
    t.regex(output, isSigned ? /from own of \S+ with apt: done/ : /from own of \S+ with apt: failed/)
    t.is(existsSync(cached), isSigned)
  })
}

test('Without the keyring of the distribution nothing is fetched, and the reason names the package that brings it.', async t => {
  const { keyring, fetch, cached } = machine(t)
  writeFileSync(keyring.replace('debian', 'other'), readFileSync(keyring))
  execFileSync('rm', [keyring])
  const { code, output } = await fetch()
  t.is(code, 1)
  t.regex(output, /debian-archive-keyring is not in .+ cannot be verified; install that package/)
  t.notRegex(output, /fetching/)
  t.false(existsSync(cached))
})

test('A package that is too old is not taken.', async t => {
  const { fetch, cached } = machine(t, { version: '2.10.27' })
  const { code, output } = await fetch()
  t.is(code, 1)
  t.regex(output, /from forky of \S+ does not run here, or is too old/)
  t.false(existsSync(cached))
})
