import { hash } from 'node:crypto'
import { chmodSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { describeNatsServer, findNatsServer } from '../../src/cluster/find-nats-server.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

function serverThatSays(t: ExecutionContext, version: string): string {
  const path = join(tempFolder(t), 'nats-server')
  writeFileSync(path, `#!/bin/sh\necho '${version}'\n`)
  chmodSync(path, 0o755)
  return path
}

test('The nats-server named in SHOAL_NATS_SERVER is used.', async t => {
  for (const version of ['2.11.0', '2.15.1-RC.1', '3.0.0']) {
    const path = serverThatSays(t, `nats-server: v${version}`)
    t.deepEqual(await findNatsServer({ ...process.env, SHOAL_NATS_SERVER: path }), { path, version })
  }
})

test('A nats-server that is named without its folder is found on the PATH, and its path is known.', async t => {
  const path = serverThatSays(t, 'nats-server: v2.12.3')
  const PATH = `${tempFolder(t)}:${dirname(path)}:${process.env.PATH}`
  const found = await findNatsServer({ ...process.env, SHOAL_NATS_SERVER: 'nats-server', PATH })
  t.deepEqual(found, { path, version: '2.12.3' })
})

test('A build that Shoal was not tested with is called that, with its SHA-256, whatever version it says.', async t => {
  const version = '2.12.3'
  const path = serverThatSays(t, `nats-server: v${version}`)
  const build = { version, system: 'linux-x64', package: 'a test', tested: '2026-11-30' }
  const sha256 = hash('sha256', readFileSync(path))
  t.is(await describeNatsServer({ path, version }, [{ ...build, sha256 }]), `nats-server 2.12.3, ${path}`)
  const unknown = await describeNatsServer({ path, version }, [{ ...build, sha256: '0'.repeat(64) }])
  t.true(unknown.startsWith(`nats-server 2.12.3, ${path}, which is not a build that Shoal was tested with`))
  t.true(unknown.endsWith(sha256))
})

test('A program that is too old, or not a nats-server, is refused by name, with advice.', async t => {
  for (const version of ['nats-server: v2.10.27', 'nats-server: v1.99.0', 'something else']) {
    const path = serverThatSays(t, version)
    const failure = await t.throwsAsync(findNatsServer({ ...process.env, SHOAL_NATS_SERVER: path }), {
      code: 'no-nats-server',
    })
    t.true(failure?.message.includes(path))
    t.regex(failure?.message ?? '', /install nats-server 2\.11/)
  }
})

test('A named nats-server that is missing is not silently replaced by another.', async t => {
  const SHOAL_NATS_SERVER = join(tempFolder(t), 'gone')
  await t.throwsAsync(findNatsServer({ ...process.env, SHOAL_NATS_SERVER }), { message: /gone is not there/ })
})
