// How ava runs tests. `npm test` without arguments makes two runs of them (scripts/test.ts).

import { join } from 'node:path'

/** The longest files go first: the last one would run alone at the end, on one core. */
const longest = [
  'integration/rotation',
  'integration/agents',
  'integration/command-line',
  'visualizer/page/page',
  'scripts/demonstration',
  'chaos/chaos',
  'integration/tracker-failures',
  'integration/removal',
  'chaos/disk/disk',
  'chaos/kills/kills',
  'integration/log-end',
  'integration/on-the-wire',
  'integration/backup',
  'integration/cluster',
  'integration/visualizer',
  'integration/floods',
  'integration/limits',
  'integration/attempts',
  'integration/trackers',
  'integration/trust',
  'integration/hostile-payloads',
  'integration/stately',
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
  // Files with brokers wait for elections and time-outs much of their time.
  concurrency: 3,
  workerThreads: false,
  sortTestFiles: (a, b) => rankOf(a) - rankOf(b) || a.localeCompare(b),
  // A hundred processes, and those that they start, would compile the same sources.
  environmentVariables: { NODE_COMPILE_CACHE: join(import.meta.dirname, '.cache', 'compiled') },
}
