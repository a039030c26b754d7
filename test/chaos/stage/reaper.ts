// Waits for its standard input to end, which the end of the run brings about, however it ends; then kills what the run
// left behind, and only that: processes whose arguments name the run's folder, its hosts, its disks, its folder.

import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync, rmSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { removeNamespaces, whyNoNamespaces } from '../../../bench/swarm/hosts.ts'

const [folder, prefix] = process.argv.slice(2) as [string, string]
await finished(process.stdin.resume())
for (const pid of readdirSync('/proc').filter(name => /^\d+$/.test(name) && Number(name) !== process.pid)) {
  try {
    if (readFileSync(`/proc/${pid}/cmdline`, 'utf8').includes(folder)) process.kill(Number(pid), 'SIGKILL')
  } catch {}
}
if (whyNoNamespaces() === undefined) await removeNamespaces(prefix)
for (const line of readFileSync('/proc/mounts', 'utf8').split('\n')) {
  const mounted = line.split(' ')[1] ?? ''
  if (mounted.startsWith(`${folder}/`)) execFileSync('umount', ['-l', mounted])
}
rmSync(folder, { recursive: true, force: true })
