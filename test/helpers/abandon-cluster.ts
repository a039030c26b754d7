// Starts a test cluster, says where, and dies without a word: what a test process that is killed does.

import { startCluster } from './cluster.ts'
import { outsideTest } from './outside-test.ts'

const { folder, port } = await startCluster(outsideTest().t, { brokers: 1, trackers: 0 })
process.stdout.write(JSON.stringify({ folder, port }), () => process.kill(process.pid, 'SIGKILL'))
