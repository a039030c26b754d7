// How the tests run: npm test, npx ava.

import { join } from 'node:path'

/** Those that take longest go first, or the last of them would run alone at the end, on one core. */
const longest = [
  'integration/rotation',
  'integration/agents',
  'visualizer/page/page',
  'integration/command-line',
  'scripts/demonstration',
  'chaos/kills/kills',
  'integration/tracker-failures',
  'integration/cluster',
  'integration/removal',
  'chaos/chaos',
  'integration/on-the-wire',
  'chaos/disk/disk',
  'integration/late-copies',
  'integration/trackers',
  'integration/trust',
  'integration/log-end',
  'integration/backup',
  'integration/visualizer',
]
const rankOf = file => {
  const rank = longest.findIndex(name => file.endsWith(join('test', `${name}.test.ts`)))
  return rank < 0 ? longest.length : rank
}

export default {
  extensions: ['ts'],
  require: ['./test/helpers/end-with-ava.ts'],
  files: ['test/**/*.test.ts'],
  timeout: '120s',
  concurrency: 2,
  workerThreads: false,
  sortTestFiles: (a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b),
  // A hundred processes would compile the same sources; those that tests start, too.
  environmentVariables: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache', 'compiled') },
}
