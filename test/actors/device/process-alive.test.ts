// Whether a process counts as there, asked of real ones.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readFileSync } from 'node:fs'
import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { isAlive, isAtWork, isSuspended } from '../../../src/actors/device/process-alive.ts'

test('This process is alive; a process that has ended and was collected is not.', async t => {
  t.true(isAlive(process.pid))
  const child = spawn(process.execPath, ['-e', ''])
  await once(child, 'exit')
  t.false(isAlive(child.pid!))
})

test('A process that was stopped is suspended until it is told to go on.', async t => {
  const child = spawn(process.execPath, ['-e', 'process.stdin.resume()'])
  t.teardown(() => child.kill('SIGKILL'))
  t.false(isSuspended(child.pid!))
  child.kill('SIGSTOP')
  while (!isSuspended(child.pid!)) await delay(5)
  t.true(isAlive(child.pid!))
  child.kill('SIGCONT')
  while (isSuspended(child.pid!)) await delay(5)
  child.kill('SIGKILL')
  await once(child, 'exit')
  t.false(isSuspended(child.pid!))
})

const onLinux = existsSync('/proc/self/stat') ? test : test.skip
onLinux('One that has ended and that nobody collects is not alive, though it can be signalled.', async t => {
  // The shell becomes a program that collects no children; only then does its child get the end of its input, and end.
  const parent = spawn('sh', ['-c', 'exec 3<&0; cat <&3 & echo $!; exec sleep 30'], {
    stdio: ['pipe', 'pipe', 'ignore'],
  })
  t.teardown(() => parent.kill('SIGKILL'))
  const [line] = await once(parent.stdout, 'data')
  const pid = Number(String(line))
  while (!readFileSync(`/proc/${parent.pid}/comm`, 'utf8').startsWith('sleep')) await delay(5)
  t.true(isAlive(pid))
  parent.stdin.end()
  while (isAlive(pid)) await delay(5)
  t.notThrows(() => process.kill(pid, 0))
})

test('A process whose first thread has ended holds its ports until its last thread ends.', t => {
  const line = (state: string, threads: number) =>
    `4711 (a (name) Z 9) ${state} 1 4711 4711 0 -1 4228364 0 0 0 0 12 3 0 0 20 0 ${threads} 0 8675309 0 0`
  t.deepEqual([line('S', 11), line('S', 1), line('Z', 7), line('Z', 1), line('X', 0)].map(isAtWork), [
    true,
    true,
    true,
    false,
    false,
  ])
})
