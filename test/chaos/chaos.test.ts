// A short chaos run: it judges every promise, as the long ones do, with faults that fit into seconds.

import { spawn } from 'node:child_process'
import { text } from 'node:stream/consumers'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const program = fileURLToPath(new URL('run.ts', import.meta.url))

test('While brokers, trackers and agents fail, no acknowledged write is lost and every promise is kept.', async t => {
  t.timeout(300_000)
  const seed = Math.floor(Math.random() * 2 ** 31)
  const args = ['--minutes', '0.15', '--short', '--agents', '1', '--seed', String(seed), '--no-fetch-clock']
  const run = spawn(process.execPath, [program, ...args], { stdio: ['ignore', 'pipe', 'pipe'] })
  t.teardown(() => run.kill('SIGTERM'))
  const [out, err] = await Promise.all([text(run.stdout), text(run.stderr)])
  t.log(`seed ${seed}`)
  t.regex(out, /^[1-9]\d* faults in /m, out + err)
  t.is(out.trimEnd().split('\n').at(-1), '0 lost', out + err)
  t.deepEqual(out.match(/^VIOLATION .*$/gm) ?? [], [], out + err)
  const problems = out.match(/^PROBLEM .*$/gm) ?? []
  for (const problem of problems) t.log(problem)
  // How long things take to heal depends on the machine; that a process ends by itself does not.
  t.deepEqual(
    problems.filter(problem => problem.endsWith('by itself')),
    [],
    out + err,
  )
})
