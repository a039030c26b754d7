// The thread in which supervise.ts runs cases: one target after another, each case noted before it is tried.

import { parentPort, workerData } from 'node:worker_threads'
import { fuzz } from './fuzz.ts'
import type { Work } from './supervise.ts'
import type { Target } from './target.ts'

const { module, names, cases, seed, progress } = workerData as Work
const { targets } = (await import(module)) as { targets: readonly Target[] }
const [place, beganAt] = [new Int32Array(progress, 0, 2), new Float64Array(progress, 8, 1)]

for (const [index, name] of names.entries()) {
  const target = targets.find(each => each.name === name)
  if (!target) throw new Error(`bug: there is no target ${name}`)
  const report = await fuzz(target, cases, seed, number => {
    place[0] = index
    place[1] = number
    beganAt[0] = Date.now()
  })
  parentPort!.postMessage(report)
}
process.exit()
