// npm run demo, interrupted: it ends, and nothing that it started goes on.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const script = fileURLToPath(new URL('../../scripts/demo.ts', import.meta.url))

/** Processes of this machine whose command line or SHOAL_HOME names the folder. */
function processesOf(folder: string): string[] {
  return readdirSync('/proc')
    .filter(name => /^\d+$/.test(name))
    .filter(pid =>
      ['cmdline', 'environ'].some(file => {
        try {
          return readFileSync(`/proc/${pid}/${file}`, 'utf8').includes(folder)
        } catch {
          return false
        }
      }),
    )
}

for (const [moment, signal, exit] of [
  ['The cluster', 'SIGTERM', 143],
  ['The people', 'SIGINT', 130],
] as const) {
  const onLinux = existsSync('/proc/self/cmdline') ? test.serial : test.serial.skip
  onLinux(`The demonstration leaves no process and no file when ${signal} ends it at "${moment}".`, async t => {
    // On a busy machine the cluster alone takes half a minute to start, and then as long to stop.
    t.timeout(180_000)
    const child = spawn(process.execPath, [script], { stdio: ['ignore', 'pipe', 'inherit'] })
    const ended = once(child, 'exit')
    t.teardown(() => child.kill('SIGKILL'))
    let folder = ''
    for await (const line of createInterface(child.stdout)) {
      folder ||= /in (\/.*shoal-demo-\w+)\.$/.exec(line)?.[1] ?? ''
      if (line.includes(moment)) break
    }
    child.stdout.resume()
    child.kill(signal)
    const [code] = await ended
    t.is(code, exit)
    t.regex(folder, /shoal-demo-/)
    t.false(existsSync(folder))
    t.deepEqual(processesOf(folder), [])
  })
}
