// Cleans up after a process of tests, however that ended: it waits for its standard input to end, kills every process
// that names the folder it was given, in an argument or in its environment, and removes the folder. Processes still
// there mean that the tests were aborted; then their logs are kept. With PREFIX it removes those network hosts, too.
//   node test/helpers/reaper.ts FOLDER [PREFIX]

import { execFileSync } from 'node:child_process'
import { readFileSync, rmSync } from 'node:fs'
import { finished } from 'node:stream/promises'
import { setTimeout as delay } from 'node:timers/promises'
import { removeNamespaces, whyNoNamespaces } from '../../bench/swarm/hosts.ts'
import { keepLogs } from './kept-logs.ts'
import { processesThatName } from './processes-that-name.ts'

const [folder, prefix] = process.argv.slice(2)
if (folder === undefined) throw new Error('bug: the reaper was given no folder')
// The terminal may be gone.
process.stderr.on('error', () => {})
await finished(process.stdin.resume())

let left = processesThatName(folder)
if (left.length > 0) {
  const logs = keepLogs(folder, 'aborted')
  if (logs !== undefined) process.stderr.write(`the tests were aborted; logs of what they had running: ${logs}\n`)
}
// A process may start another one while it is being killed.
for (; left.length > 0; left = processesThatName(folder)) {
  for (const pid of left)
    try {
      process.kill(pid, 'SIGKILL')
    } catch {}
  await delay(20)
}
if (prefix !== undefined && whyNoNamespaces() === undefined) await removeNamespaces(prefix)
for (const mounted of mountsBelow(folder)) execFileSync('umount', ['-l', mounted])
rmSync(folder, { recursive: true, force: true })

function mountsBelow(where: string): string[] {
  try {
    const places = readFileSync('/proc/mounts', 'utf8').split('\n')
    return places.map(line => line.split(' ')[1] ?? '').filter(place => place.startsWith(`${where}/`))
  } catch {
    return []
  }
}
