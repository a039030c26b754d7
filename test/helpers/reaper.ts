// Waits for its standard input to end, which the death of the test's process brings about, too; then ends the cluster
// in the folder it was given, and removes the home that it is in.

import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { finished } from 'node:stream/promises'
import { killAll } from '../../src/cluster/cluster.ts'

const folder = process.argv[2]
if (folder === undefined) throw new Error('bug: the reaper was given no folder')
await finished(process.stdin.resume())
await killAll(folder)
rmSync(dirname(folder), { recursive: true, force: true })
