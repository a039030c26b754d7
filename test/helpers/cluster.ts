// A real cluster for one test: on ports of its own, in a folder of its own. However the test's process ends, a reaper
// beside it ends the cluster and removes the folder.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { clusterUp, killAll, killNode, startNode, stopNode } from '../../src/cluster/cluster.ts'
import { ClusterFailure } from '../../src/cluster/cluster-failure.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { loadSecrets } from '../../src/cluster/secrets.ts'
import type { ClusterSecrets } from '../../src/wire/cluster-secrets.ts'

export interface TestCluster {
  readonly servers: string[]
  /** In a home of its own. */
  readonly folder: string
  readonly secrets: ClusterSecrets
  readonly port: number
  kill(node: string): Promise<void>
  stop(node: string): Promise<void>
  start(node: string): Promise<void>
  /** Ends all of it and removes the folder; hand it to `t.teardown`. */
  down(): Promise<void>
}

export async function startCluster({ brokers = 3, trackers = 2, tls = false } = {}): Promise<TestCluster> {
  const home = mkdtempSync(join(tmpdir(), 'shoal-cluster-'))
  const folder = join(home, 'cluster')
  const down = watchOver(folder)
  try {
    const { port, servers } = await upSomewhere(folder, { brokers, trackers, tls })
    return {
      servers,
      folder,
      port,
      secrets: loadSecrets(folder),
      kill: node => killNode(folder, node),
      stop: node => stopNode(folder, node),
      start: node => startNode(folder, node),
      down,
    }
  } catch (error) {
    await down()
    throw error
  }
}

async function upSomewhere(folder: string, wanted: { brokers: number; trackers: number; tls: boolean }) {
  for (;;) {
    const port = await freePort()
    try {
      return { port, ...(await clusterUp({ folder, port, ...wanted })) }
    } catch (error) {
      // Another test was quicker.
      if (!(error instanceof ClusterFailure && error.code === 'port-in-use')) throw error
      await killAll(folder)
    }
  }
}

/** The reaper acts when its standard input ends without a word: when this process is no more. */
function watchOver(folder: string): () => Promise<void> {
  const program = fileURLToPath(new URL('reaper.ts', import.meta.url))
  const reaper = spawn(process.execPath, [program, folder], { detached: true, stdio: ['pipe', 'ignore', 'inherit'] })
  reaper.unref()
  return async () => {
    await killAll(folder)
    rmSync(dirname(folder), { recursive: true, force: true })
    if (reaper.exitCode !== null || reaper.signalCode !== null) return
    reaper.ref()
    const exited = once(reaper, 'exit')
    // It may end in this moment.
    reaper.stdin.on('error', () => {})
    reaper.stdin.end('all gone')
    await exited
  }
}
