// The operator's visualizer as a background process beside a cluster: started with it on request, always stopped with it.
// Its address contains a token, so it is kept in a file that only the owner can read.

import { readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { processTunables } from '../../config/cluster.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { lastOutput, type NodeProcess, pidOf, startProcess, stopProcess } from './node-process.ts'
import { shoalProgram } from './package-root.ts'

/** The home that holds the cluster's folder. */
const visualizerOf = (folder: string): NodeProcess => ({
  name: 'the visualizer',
  folder: join(folder, 'visualizer'),
  program: process.execPath,
  args: [shoalProgram, '--home', dirname(folder), 'visualizer', '--operator'],
  identifyingArgs: ['visualizer', '--operator', dirname(folder)],
})

/** Starts it unless it runs, and returns its address once it answers. Throws ClusterFailure `not-ready`. */
export async function startVisualizer(folder: string): Promise<string> {
  const visualizer = visualizerOf(folder)
  if (pidOf(visualizer) === undefined) rmSync(join(visualizer.folder, 'output'), { force: true })
  startProcess(visualizer)
  const deadline = Date.now() + processTunables.startTimeoutMs
  for (;;) {
    const address = addressIn(join(visualizer.folder, 'output'))
    if (address !== undefined) return address
    if (pidOf(visualizer) === undefined || Date.now() > deadline)
      throw new ClusterFailure('not-ready', `the visualizer did not start: ${lastOutput(visualizer)}`)
    await sleep(processTunables.lookEveryMs)
  }
}

/** Returns whether one was running. */
export async function stopVisualizer(folder: string): Promise<boolean> {
  const visualizer = visualizerOf(folder)
  const isRunning = pidOf(visualizer) !== undefined
  await stopProcess(visualizer, 'SIGTERM')
  return isRunning
}

function addressIn(output: string): string | undefined {
  try {
    return /^http:\S+#\S+$/m.exec(readFileSync(output, 'utf8'))?.[0]
  } catch {
    return undefined
  }
}
