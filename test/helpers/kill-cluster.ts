// Kills whatever of a cluster runs, without stopping it first; also after a start that failed.

import { stopVisualizer } from '../../src/cluster/background-visualizer.ts'
import { brokersOf, findPlan, trackersOf } from '../../src/cluster/cluster-plan.ts'
import { processOf } from '../../src/cluster/cluster-processes.ts'
import { stopProcess } from '../../src/cluster/node-process.ts'

export async function killCluster(folder: string): Promise<void> {
  const plan = findPlan(folder)
  if (!plan) return
  await stopVisualizer(folder)
  const nodes = [...brokersOf(folder, plan), ...trackersOf(folder, plan)]
  await Promise.all(nodes.map(node => stopProcess(processOf(folder, node), 'SIGKILL')))
}
