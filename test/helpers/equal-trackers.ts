// Waits until every tracker that is meant to run answers from the same sequence: what they say then must be equal.

import { setTimeout as delay } from 'node:timers/promises'
import type { TrackerClient } from '../../src/actors/client/tracker-client.ts'
import type { TrackerStatus } from '../../src/wire/tracker-status.ts'

export async function statusesAtOneSequence(client: TrackerClient, names: readonly string[]): Promise<TrackerStatus[]> {
  const giveUpAt = Date.now() + 30_000
  for (;;) {
    const statuses = await client.statuses()
    const seen = statuses.map(({ name }) => name).join()
    if (seen === names.join() && new Set(statuses.map(({ seq }) => seq)).size === 1) return statuses
    if (Date.now() > giveUpAt) throw new Error(`the trackers do not meet: ${JSON.stringify(statuses)}`)
    await delay(100)
  }
}
