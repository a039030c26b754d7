// A process that outlives the command that started it. Its output goes to one file, its id to another. Before it is
// signalled, its arguments are checked: the id alone may by now belong to another program.

import { execFileSync, spawn } from 'node:child_process'
import {
  closeSync,
  existsSync,
  mkdirSync,
  openSync,
  readFileSync,
  readlinkSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { join, resolve } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTunables } from '../../config/cluster.ts'
import { isAlive } from '../actors/device/process-alive.ts'
import { ClusterFailure } from './cluster-failure.ts'

export interface NodeProcess {
  readonly name: string
  /** Holds the files `pid` and `output`. The program itself writes `own.pid`, which shows one that was started by hand. */
  readonly folder: string
  readonly program: string
  readonly args: readonly string[]
  /** Arguments that identify the process: no other process has all of them. Paths are absolute. */
  readonly identifyingArgs: readonly string[]
}

/** The process id; undefined when it is not running. */
export function pidOf({ folder, identifyingArgs }: NodeProcess): number | undefined {
  const pids = ['pid', 'own.pid'].map(file => Number(read(join(folder, file))))
  return pids.find(pid => {
    if (!Number.isInteger(pid) || pid <= 1) return false
    const args = commandLineOf(pid)
    return identifyingArgs.every(arg => args.includes(arg))
  })
}

/** Starts it unless it runs, with a umask that keeps its files private. Does not wait until it is ready. `env` is added to ours. */
export function startProcess(node: NodeProcess, env: NodeJS.ProcessEnv = {}): void {
  if (pidOf(node) !== undefined) return
  mkdirSync(node.folder, { recursive: true, mode: 0o700 })
  const file = join(node.folder, 'output')
  if ((statSync(file, { throwIfNoEntry: false })?.size ?? 0) > processTunables.maxOutputBytes)
    renameSync(file, `${file}.old`)
  const output = openSync(file, 'a', 0o600)
  try {
    const before = process.umask(0o077)
    const child = spawn(node.program, node.args, {
      cwd: node.folder,
      detached: true,
      stdio: ['ignore', output, output],
      env: { ...process.env, SHOAL_PASSWORD: undefined, ...env },
    })
    process.umask(before)
    // Without an id it did not start. The wait until it is ready reports that, with the content of `output`.
    child.on('error', error => writeFileSync(file, `${error.message}\n`, { flag: 'a' }))
    child.unref()
    if (child.pid !== undefined) writeFileSync(join(node.folder, 'pid'), `${child.pid}\n`, { mode: 0o600 })
  } finally {
    closeSync(output)
  }
}

/** Signals it and waits until it has ended. Throws ClusterFailure `not-stopped` when it does not end. */
export async function stopProcess(node: NodeProcess, signal: 'SIGTERM' | 'SIGKILL'): Promise<void> {
  const pid = pidOf(node)
  if (pid !== undefined) {
    try {
      process.kill(pid, signal)
    } catch (error) {
      // It has just ended by itself.
      if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
    }
    const deadline = Date.now() + processTunables.stopTimeoutMs
    // An ending process loses its arguments before it frees its ports, so the arguments are no evidence.
    while (isAlive(pid)) {
      if (Date.now() > deadline)
        throw new ClusterFailure(
          'not-stopped',
          `${node.name} (process ${pid}) does not end; try shoal cluster kill ${node.name}`,
        )
      await sleep(processTunables.lookEveryMs)
    }
  }
  rmSync(join(node.folder, 'pid'), { force: true })
}

/** The end of its output, in one line. A broker that has opened its `log` writes only there. */
export function lastOutput({ folder }: NodeProcess): string {
  const written = read(join(folder, 'output')).trim() || read(join(folder, 'log')).trim()
  const lines = written.split('\n').slice(-2)
  return lines.join(' / ').replace(/\p{Cc}/gu, ' ')
}

function read(file: string): string {
  try {
    return readFileSync(file, 'utf8')
  } catch {
    return ''
  }
}

const hasProc = existsSync('/proc/self/cmdline')

/** A process's arguments, each relative path also in absolute form. Empty when it has ended or never existed. */
function commandLineOf(pid: number): string[] {
  try {
    if (!hasProc)
      return execFileSync('ps', ['-ww', '-o', 'args=', '-p', String(pid)], { encoding: 'utf8' })
        .trim()
        .split(' ')
    const args = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    const folder = readlinkSync(`/proc/${pid}/cwd`)
    return [...args, ...args.map(arg => resolve(folder, arg))]
  } catch {
    return []
  }
}
