// npm run chaos -- [--minutes M] [--seed S] [--keep FILE]: a cluster and its people under every fault, then the judgement.
// The seed decides the requests and the order of faults, but not their timing, which depends on the machine. Without root
// everything runs on loopback, and faults that need hosts or disks of their own are skipped and named.

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
    /** A short run spends its time on the faults themselves. */
    short: { type: 'boolean', default: false },
    /** Saves the history there, as JSON. */
    keep: { type: 'string' },
    /** The copy of the sources that trackers and agents run. */
    source: { type: 'string', default: join(import.meta.dirname, '../..') },
    break: { type: 'string' },
    /** May fetch the library that moves clocks from Debian. */
    'fetch-clock': { type: 'boolean', default: true },
  },
})

if (values.break !== undefined) {
  const { runBroken } = await import('./mutations.ts')
  process.exit(await runBroken(values.break, process.argv.slice(2)))
}

// Before the hosts are made, which reach no mirror.
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
