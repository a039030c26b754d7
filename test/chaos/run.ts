// npm run chaos -- [--minutes M] [--seed S] [--keep FILE]: a cluster and its people under every fault there is, then the
// judgement. The seed decides what is done and what strikes in which order, never when: that is the machine's.
// Without root everything is on loopback, and what needs hosts or disks of its own is skipped with a word.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, realpathSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { parseArgs } from 'node:util'
import { namespaceHosts, namespaceOf, whyNoNamespaces } from '../../bench/swarm/hosts.ts'
import { faketimeLibrary } from './stage/clock.ts'

const { values } = parseArgs({
  allowNegative: true,
  options: {
    minutes: { type: 'string', default: '2' },
    seed: { type: 'string', default: String(Math.floor(Math.random() * 2 ** 31)) },
    trackers: { type: 'string', default: '2' },
    agents: { type: 'string', default: '3' },
    /** The chances of a run that is short are used on the faults themselves. */
    short: { type: 'boolean', default: false },
    /** Where the history is kept, as JSON. */
    keep: { type: 'string' },
    /** A copy of the sources that trackers and agents run. */
    source: { type: 'string', default: join(import.meta.dirname, '../..') },
    break: { type: 'string' },
    /** Gets what moves clocks from Debian, if it is not here. */
    'fetch-clock': { type: 'boolean', default: true },
  },
})

if (values.break !== undefined) {
  const { runBroken } = await import('./mutations.ts')
  process.exit(await runBroken(values.break, process.argv.slice(2)))
}

// Before the hosts: they reach no mirror.
const faketime = faketimeLibrary(values['fetch-clock'])
const folder = mkdtempSync(join(realpathSync(tmpdir()), 'shoal-chaos-'))
const prefix = `shoal-chaos-${process.pid}`
const reaper = spawn(process.execPath, [join(import.meta.dirname, '../helpers/reaper.ts'), folder, prefix], {
  detached: true,
  stdio: ['pipe', 'ignore', 'inherit'],
})
const noHosts = whyNoNamespaces()
if (noHosts === undefined) await namespaceHosts(4 + Number(values.trackers) + Number(values.agents), prefix)

const program = [
  process.execPath,
  join(import.meta.dirname, 'ordeal.ts'),
  JSON.stringify({ ...values, folder, prefix, faketime }),
]
const command = noHosts === undefined ? ['ip', 'netns', 'exec', namespaceOf(prefix, 0), ...program] : program
const ordeal = spawn(command[0]!, command.slice(1), { stdio: 'inherit' })
for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => ordeal.kill('SIGTERM'))
const [code] = (await once(ordeal, 'exit')) as [number | null]
const reaped = once(reaper, 'exit')
reaper.stdin.end()
await reaped
process.exitCode = code ?? 1
