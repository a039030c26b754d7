// A real cluster for one test, or for those that share it: on ports of its own, in a folder of its own.

import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { clusterUp, killNode, startNode, stopNode } from '../../src/cluster/cluster.ts'
import { ClusterFailure } from '../../src/cluster/cluster-failure.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { loadSecrets } from '../../src/cluster/secrets.ts'
import type { ClusterSecrets } from '../../src/wire/cluster-secrets.ts'
import { killCluster } from './kill-cluster.ts'
import { reapOnExit } from './reap-on-exit.ts'
import { tempFolder } from './temp-folder.ts'

export interface TestCluster {
  readonly servers: string[]
  /** In a home of its own. */
  readonly folder: string
  readonly secrets: ClusterSecrets
  readonly port: number
  kill(node: string): Promise<void>
  stop(node: string): Promise<void>
  start(node: string): Promise<void>
}

/** Ended, and its folder removed, when the test has ended; its logs are kept if the test failed. */
export async function startCluster(
  t: ExecutionContext,
  { brokers = 3, trackers = 2, tls = false } = {},
): Promise<TestCluster> {
  reapOnExit()
  const folder = join(tempFolder(t), 'cluster')
  t.teardown(() => killCluster(folder))
  const { port, servers } = await upSomewhere(folder, { brokers, trackers, tls })
  return {
    servers,
    folder,
    port,
    secrets: loadSecrets(folder),
    kill: node => killNode(folder, node),
    stop: node => stopNode(folder, node),
    start: node => startNode(folder, node),
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
      await killCluster(folder)
    }
  }
}
