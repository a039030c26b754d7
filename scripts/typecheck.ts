// npm run typecheck: what runs on Node, and the page, which runs in browsers and so has other libraries.

import { spawnSync } from 'node:child_process'
import { fileURLToPath } from 'node:url'

const root = fileURLToPath(new URL('..', import.meta.url))
for (const project of ['tsconfig.json', 'src/visualizer/page/tsconfig.json']) {
  const { status } = spawnSync('tsc', ['--project', project], { cwd: root, stdio: 'inherit' })
  if (status !== 0) process.exitCode = 1
}
