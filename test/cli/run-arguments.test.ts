// A whole command line in this process: what reaches standard output and standard error, and the exit code.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { PassThrough } from 'node:stream'
import test from 'ava'
import { runArguments } from '../../src/cli/run-arguments.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { version } from '../../src/cluster/version.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

/** With standard input at its end, so that a prompt would have nothing to read. */
async function ran(line: string, env: NodeJS.ProcessEnv = {}) {
  const [stdin, stdout, stderr] = [new PassThrough().end(), new PassThrough(), new PassThrough()]
  const code = await runArguments(line.split(' '), { env, stdin, stdout, stderr })
  const read = (stream: PassThrough) => (stream.read() as Buffer | null)?.toString() ?? ''
  return { code, out: read(stdout), err: read(stderr) }
}

test('The version and the help are JSON documents with --json.', async t => {
  t.deepEqual(await ran('--json --version'), { code: 0, out: `{"version":"${version}"}\n`, err: '' })
  t.deepEqual(await ran('--version'), { code: 0, out: `${version}\n`, err: '' })
  for (const line of ['--json help', 'help --json', '--json --help', 'group create --help --json']) {
    const { code, out, err } = await ran(line)
    t.deepEqual({ code, err }, { code: 0, err: '' }, line)
    t.regex(JSON.parse(out).help, /^Usage: shoal/, line)
  }
})

test('A usage error is a JSON document too.', async t => {
  const { code, out } = await ran('--json group invite --help')
  t.is(code, 2)
  t.is(JSON.parse(out).error.code, 'usage')
})

test('Sign-up finds out that no cluster answers before it asks for a password.', async t => {
  const home = join(tempFolder(t), 'home')
  const servers = `127.0.0.1:${await freePort()}`
  // With nothing to read a password from, asking for it would be refused as a mistake.
  const { code, err } = await ran(`--home ${home} --servers ${servers} signup alice`)
  t.is(code, 3)
  t.regex(err, /^shoal: no broker answers at 127\.0\.0\.1:\d+; check this device's network and the address, .*\n$/)
  t.false(existsSync(join(home, 'session.json')))
})

test('Arguments of share in the wrong order are answered with the right line.', async t => {
  const home = join(tempFolder(t), 'home')
  const { code, err } = await ran(`--home ${home} share reef package.json`)
  t.deepEqual(
    { code, err },
    {
      code: 2,
      err: 'shoal: the path comes first, then the group: shoal share package.json reef\n',
    },
  )
})
