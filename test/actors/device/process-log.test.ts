import { spawnSync } from 'node:child_process'
import { closeSync, openSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import test from 'ava'

const module = fileURLToPath(new URL('../../../src/actors/device/process-log.ts', import.meta.url))

// Linux's file that is always full.
test('A process continues when its log is on a full disk.', t => {
  const full = openSync('/dev/full', 'w')
  t.teardown(() => closeSync(full))
  const program = `
    const { createProcessLog } = await import(${JSON.stringify(module)})
    const log = createProcessLog()
    for (let line = 0; line < 100; line++) {
      log.info('a line')
      await new Promise(resolve => setTimeout(resolve, 1))
    }
    console.log('still here')`
  const { status, stdout } = spawnSync(process.execPath, ['--input-type=module', '-e', program], {
    stdio: ['ignore', 'pipe', full],
    encoding: 'utf8',
  })
  t.deepEqual([status, stdout], [0, 'still here\n'])
})
