import { chmodSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { findNatsServer } from '../../src/cluster/find-nats-server.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

function serverThatSays(t: ExecutionContext, version: string): string {
  const path = join(tempFolder(t), 'nats-server')
  writeFileSync(path, `#!/bin/sh\necho '${version}'\n`)
  chmodSync(path, 0o755)
  return path
}

test('The nats-server named in SHOAL_NATS_SERVER is used.', async t => {
  for (const version of ['nats-server: v2.11.0', 'nats-server: v2.15.1-RC.1', 'nats-server: v3.0.0']) {
    const path = serverThatSays(t, version)
    t.is(await findNatsServer({ ...process.env, SHOAL_NATS_SERVER: path }), path)
  }
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
