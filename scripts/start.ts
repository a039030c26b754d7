// npm start: the cluster, up and left running, and what to do next.

import { homedir } from 'node:os'
import { join, resolve } from 'node:path'
import { clusterUp } from '../src/cluster/cluster.ts'
import { ClusterFailure } from '../src/cluster/cluster-failure.ts'

const home = resolve(process.env.SHOAL_HOME ?? join(homedir(), '.shoal'))

try {
  const { servers, nodes } = await clusterUp({
    folder: join(home, 'cluster'),
    say: line => console.log(`cluster: ${line}`),
  })
  for (const { node, kind, state, address } of nodes)
    console.log(`  ${node}  ${kind} ${state} ${address ?? ''}`.trimEnd())
  console.log(`
The cluster runs in the background until: npx shoal cluster down
Now, on this machine:
  npx shoal signup alice
  npx shoal login alice
  npx shoal group create reef
  npx shoal share FILE reef
A second person here needs a second folder: npx shoal --home ~/.shoal-bob signup bob
Elsewhere, brokers are named in SHOAL_SERVERS: ${servers.join(',')}
Everything else: npx shoal help`)
} catch (error) {
  if (!(error instanceof ClusterFailure)) throw error
  console.error(`shoal: ${error.message}`)
  process.exitCode = 1
}
