// Waits for its standard input to end, which the death of the test's process brings about. Unless it was told that all is
// gone, it ends the cluster in the folder it was given, and removes the home that it is in.

import { rmSync } from 'node:fs'
import { dirname } from 'node:path'
import { text } from 'node:stream/consumers'

const folder = process.argv[2]
if (folder === undefined) throw new Error('bug: the reaper was given no folder')
if ((await text(process.stdin)) !== 'all gone') {
  // Loaded only now: it takes four times what the rest of this process does, and is seldom needed.
  const { killAll } = await import('../../src/cluster/cluster.ts')
  await killAll(folder)
  rmSync(dirname(folder), { recursive: true, force: true })
}
