// Whether a process counts as there, asked of real ones.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { isAlive } from '../../src/actors/process-alive.ts'

test('This process is alive; one that has ended and was collected is not.', async t => {
  t.true(isAlive(process.pid))
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  t.false(isAlive(child.pid!))
})

const onLinux = existsSync('/proc/self/stat') ? test : test.skip
onLinux('One that has ended and that nobody collects is not alive, though it can be signalled.', async t => {
  // The shell becomes a program that collects no children.
  const parent = spawn('sh', ['-c', 'true & echo $!; exec sleep 30'], { stdio: ['ignore', 'pipe', 'ignore'] })
  t.teardown(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(String(line))
  while (isAlive(pid)) await delay(5)
  t.notThrows(() => process.kill(pid, 0))
})
