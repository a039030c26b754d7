// Runs the tests that its arguments select; without arguments all of them, as two runs at once. Tests with processes wait
// much of their time, so the others run beside them, in threads: starting a thread costs half as much as a process. Trackers,
// agents and commands in processes of their own run from a fresh build, which is what people install and starts sooner.

import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { globSync } from 'node:fs'
import { constants } from 'node:os'
import { buildProgram } from './build-program.ts'
import { onEndSignal } from './on-end-signal.ts'

/** Each file of these runs in a process of its own: it starts others, changes its umask or folder, or fills its memory. */
const inProcesses = globSync([
  'test/{chaos,fuzz,helpers,integration,scripts}/**/*.test.ts',
  'test/cluster/node-process.test.ts',
  'test/visualizer/page/*.test.ts',
])
const inThreads = globSync('test/**/*.test.ts', { exclude: inProcesses })

const chosen = process.argv.slice(2)
const runs = chosen.length > 0 ? [chosen] : [inProcesses, ['--worker-threads', '--concurrency', '1', ...inThreads]]
await buildProgram()
const running = new Set<ChildProcess>()
onEndSignal(code => {
  // A terminal sends Ctrl-C to ava as well, which then names the tests that were running.
  if (code === 128 + constants.signals.SIGINT && process.stdin.isTTY) return
  for (const child of running) child.kill()
})
process.exitCode = Math.max(...(await Promise.all(runs.map(ava))))

/** Resolves with the exit code. Two runs would each draw on the terminal, so they write to pipes. */
async function ava(args: readonly string[]): Promise<number> {
  const colour = process.stdout.isTTY ? ['--color'] : []
  const child = spawn('ava', [...colour, ...args], {
    env: { ...process.env, SHOAL_BUILT: '1' },
    stdio: runs.length === 1 ? 'inherit' : ['ignore', 'pipe', 'inherit'],
  })
  running.add(child)
  child.stdout?.pipe(process.stdout, { end: false })
  const [code, signal] = (await once(child, 'close')) as [number | null, NodeJS.Signals | null]
  return signal === null ? code! : 128 + constants.signals[signal]
}
