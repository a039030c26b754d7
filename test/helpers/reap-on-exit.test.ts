import { spawn } from 'node:child_process'
import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test from 'ava'
import { isAlive } from '../../src/actors/device/process-alive.ts'
import { until } from './until.ts'

const helper = (name: string) => JSON.stringify(new URL(name, import.meta.url).href)

/** In a process of its own, which prints one document; what it and its children print on standard error, too. */
async function runs<T>(program: string): Promise<{ told: T; err: string }> {
  const child = spawn(process.execPath, ['--input-type=module', '-e', program], { stdio: ['ignore', 'pipe', 'pipe'] })
  const [out, err] = await Promise.all([text(child.stdout), text(child.stderr)])
  return { told: JSON.parse(out), err }
}

test('When a test process is killed, its children are killed, its files are removed, and its logs are kept.', async t => {
  const { told, err } = await runs<{ folder: string; pid: number }>(`
    import { spawn } from 'node:child_process'
    import { mkdirSync, writeFileSync } from 'node:fs'
    import { tmpdir } from 'node:os'
    import { reapOnExit } from ${helper('reap-on-exit.ts')}
    reapOnExit()
    const folder = tmpdir()
    mkdirSync(folder + '/n1')
    writeFileSync(folder + '/n1/log', 'the last words')
    const { pid } = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1e9)'], { detached: true, stdio: 'ignore' })
    process.stdout.write(JSON.stringify({ folder, pid }), () => process.kill(process.pid, 'SIGKILL'))
  `)
  await until('the process has ended', () => !isAlive(told.pid))
  await until('the folder is gone', () => !existsSync(told.folder))
  const [, kept] = /logs of what they had running: (\S+)\n/.exec(err)!
  t.is(readFileSync(join(kept!, 'n1', 'log'), 'utf8'), 'the last words')
})

test('A test process that leaves nothing running keeps no logs, and no folder.', async t => {
  const { told, err } = await runs<string>(`
    import { tmpdir } from 'node:os'
    import { reapOnExit } from ${helper('reap-on-exit.ts')}
    reapOnExit()
    process.stdout.write(JSON.stringify(tmpdir()))
  `)
  await until('the folder is gone', () => !existsSync(told))
  t.is(err, '')
})

test('A test process ends when ava has been killed.', async t => {
  const { told: pid } = await runs<number>(`
    import { fork } from 'node:child_process'
    const args = { execArgv: ['--import', ${helper('end-with-ava.ts')}], silent: true }
    const child = fork(${JSON.stringify(join(import.meta.dirname, 'idle.ts'))}, args)
    child.once('message', () =>
      process.stdout.write(JSON.stringify(child.pid), () => process.kill(process.pid, 'SIGKILL')),
    )
  `)
  await until('it has ended', () => !isAlive(pid))
  t.pass()
})
