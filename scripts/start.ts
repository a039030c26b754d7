// npm start: the cluster, up and left running with the page that shows it at work, and what to do next. Takes the options
// of `shoal cluster up`.

import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { pageFolder } from '../src/cluster/package-root.ts'

const shoal = fileURLToPath(new URL('../bin/shoal.js', import.meta.url))
const options = process.argv.slice(2)
const page = existsSync(pageFolder) ? ['--visualizer'] : []
const { status } = spawnSync(process.execPath, [shoal, 'cluster', 'up', ...page, ...options], { stdio: 'inherit' })
if (status === 0)
  console.log(`
It runs in the background until: npx shoal cluster down
Now, for example:
  npx shoal signup alice
  npx shoal login alice
  npx shoal group create reef
  npx shoal share README.md reef
A second person on this machine needs a second home: SHOAL_HOME=/tmp/bob npx shoal signup bob
Everything else: npx shoal help`)
process.exitCode = status ?? 1
