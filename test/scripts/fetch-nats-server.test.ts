import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, readFileSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { tempFolder } from '../helpers/temp-folder.ts'

const fetcher = fileURLToPath(new URL('../../scripts/fetch-nats-server.mjs', import.meta.url))

/** A machine on which only these programs are installed: name to shell script. */
function machine(t: ExecutionContext, programs: Record<string, string>) {
  const folder = tempFolder(t)
  const bin = join(folder, 'bin')
  mkdirSync(bin)
  for (const tool of ['sh', 'mkdir', 'printf', 'cat', 'chmod', 'touch']) symlinkSync(`/bin/${tool}`, join(bin, tool))
  for (const [name, script] of Object.entries(programs)) {
    writeFileSync(join(bin, name), `#!/bin/sh\n${script}\n`)
    chmodSync(join(bin, name), 0o755)
  }
  const cache = join(folder, 'cache')
  return {
    cached: join(cache, 'nats-server', 'nats-server'),
    scratch: join(cache, 'apt'),
    fetch: (env: Record<string, string> = {}) => {
      const { promise, resolve } = Promise.withResolvers<{ code: number; output: string }>()
      execFile(process.execPath, [fetcher, cache], { env: { PATH: bin, ...env } }, (error, stdout, stderr) =>
        resolve({ code: error ? Number(error.code) : 0, output: stdout + stderr }),
      )
      return promise
    },
  }
}

const says = (version: string) => `echo 'nats-server: v${version}'`

/** An apt that offers this version in the machine's own release, and none elsewhere. */
const aptWith = (version: string) => ({
  'apt-cache': `echo '  Candidate: ${version}-1'`,
  'apt-get': `case "$1" in --version) ;; download) touch nats-server.deb ;; update) ;; *) exit 100 ;; esac`,
  dpkg: `mkdir -p "$3/usr/sbin" && printf '#!/bin/sh\\n${says(version).replaceAll("'", '"')}\\n' > "$3/usr/sbin/nats-server" && chmod 755 "$3/usr/sbin/nats-server"`,
})

test('A nats-server on the PATH is enough, and nothing is fetched.', async t => {
  const { fetch, cached } = machine(t, { 'nats-server': says('2.11.0') })
  t.deepEqual(await fetch(), { code: 0, output: '' })
  t.false(existsSync(cached))
})

test('An old nats-server on the PATH gives way to the one that the package manager offers.', async t => {
  const { fetch, cached, scratch } = machine(t, { 'nats-server': says('2.9.10'), ...aptWith('2.12.3') })
  const { code, output } = await fetch()
  t.is(code, 0, output)
  t.regex(output, /^(set-up: fetching nats-server from this release with apt) …\n\1: done in/)
  t.regex(readFileSync(cached, 'utf8'), /2\.12\.3/)
  t.is(statSync(cached).mode & 0o777, 0o755)
  t.false(existsSync(scratch))
  t.deepEqual(await fetch(), { code: 0, output: '' }, 'the second run has nothing to do')
})

test('A machine that offers no nats-server says what failed, and what to do.', async t => {
  const { fetch, cached } = machine(t, aptWith('2.10.27'))
  const { code, output } = await fetch()
  t.is(code, 1)
  t.regex(output, /no nats-server on this machine, and none could be fetched/)
  t.regex(output, /install nats-server 2\.11 or newer/)
  t.false(existsSync(cached))
})

test('A failed step says so once, and never says that it is done.', async t => {
  const broken = {
    ...aptWith('2.12.3'),
    'apt-get': 'case "$1" in --version) ;; *) echo "E: no network"; exit 100 ;; esac',
  }
  const { code, output } = await machine(t, broken).fetch()
  t.is(code, 1)
  t.is(output.match(/^set-up: .+: failed after [\d.]+ s$/gm)?.length, 1, output)
  t.notRegex(output, /done in/)
  t.regex(output, /E: no network/)
})

test('A machine without a package manager says so.', async t => {
  const { code, output } = await machine(t, {}).fetch()
  t.is(code, 1)
  t.regex(output, /neither apt-get nor brew/)
})

test('A named nats-server that does not fit is an error, and none is fetched instead.', async t => {
  const { fetch, cached } = machine(t, { 'nats-server': says('2.11.0'), ...aptWith('2.12.3') })
  const { code, output } = await fetch({ SHOAL_NATS_SERVER: '/bin/sh' })
  t.is(code, 1)
  t.regex(output, /SHOAL_NATS_SERVER names \/bin\/sh, which is not nats-server 2\.11 or newer/)
  t.false(existsSync(cached))
})
