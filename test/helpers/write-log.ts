// Entries of the log as trackers write them, many at once: what would take people hours to come to.

import { randomUUID } from 'node:crypto'
import { openEventLog } from '../../src/actors/tracker/event-log.ts'
import { connectTracker } from '../../src/actors/tracker/tracker-connections.ts'
import type { LogEvent } from '../../src/wire/log-record.ts'
import type { TestCluster } from './cluster.ts'

/** Appended and not yet acknowledged. */
const atOnce = 256

/** Writes each subject's records in their order, on a cluster of one broker; returns the last sequence. */
export async function writeLog(
  { servers, secrets }: Pick<TestCluster, 'servers' | 'secrets'>,
  subjects: ReadonlyMap<string, readonly (readonly LogEvent[])[]>,
): Promise<number> {
  const connections = await connectTracker('test', servers, secrets)
  const log = await openEventLog(connections.log, 1)
  const writeOne = async ([subject, records]: [string, readonly (readonly LogEvent[])[]]) => {
    let last = 0
    for (const events of records) {
      const record = { id: randomUUID(), at: Date.now(), events: [...events] }
      let first = await log.append(subject, record, last)
      // The brokers know it by its id if they have it already.
      for (let again = 0; first.kind === 'in-doubt' && again < 10; again += 1)
        first = await log.append(subject, record, last)
      const outcome = first.kind === 'conflict' ? await log.append(subject, record, first.atLeast ?? 0) : first
      if (outcome.kind !== 'appended') throw new Error(`it was not logged: ${outcome.kind}`)
      last = outcome.seq
    }
    return last
  }
  try {
    const waiting = [...subjects]
    let end = 0
    while (waiting.length > 0) end = Math.max(end, ...(await Promise.all(waiting.splice(0, atOnce).map(writeOne))))
    return end
  } finally {
    await connections.close()
  }
}
