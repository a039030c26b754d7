import { execFile } from 'node:child_process'
import { chmodSync, existsSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
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

test('A nats-server on the PATH is enough, and nothing is fetched.', async t => {
  const { fetch, cached } = machine(t, { 'nats-server': says('2.11.0') })
  t.deepEqual(await fetch(), { code: 0, output: '' })
  t.false(existsSync(cached))
})

test('A machine without a package manager says so.', async t => {
  const { code, output } = await machine(t, {}).fetch()
  t.is(code, 1)
  t.regex(output, /neither apt-get nor brew/)
})

test('A named nats-server that does not fit is an error, and no other is used instead.', async t => {
  const { fetch, cached } = machine(t, { 'nats-server': says('2.11.0') })
  const { code, output } = await fetch({ SHOAL_NATS_SERVER: '/bin/sh' })
  t.is(code, 1)
  t.regex(output, /SHOAL_NATS_SERVER names \/bin\/sh, which is not nats-server 2\.11 or newer/)
  t.false(existsSync(cached))
})
