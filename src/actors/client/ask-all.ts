// Lists that trackers answer a page at a time, whole. Each page is as of its own moment, none before the last one's: what
// was there all along is in it, once.

import { done, type Outcome } from '../../domain/refusal.ts'
import type { PagedMethod, Row, TrackerParams } from '../../wire/tracker-api.ts'
import type { TrackerClient } from './tracker-client.ts'

export async function askAll<M extends PagedMethod>(
  trackers: Pick<TrackerClient, 'ask'>,
  method: M,
  params: TrackerParams<M>,
): Promise<Outcome<Row<M>[]>> {
  const rows: Row<M>[] = []
  let asked = params
  for (;;) {
    const answer = await trackers.ask(method, asked)
    if (!answer.ok) return answer
    const { next } = answer.value
    rows.push(...answer.value.rows)
    if (next === undefined) return done(rows)
    asked = { ...params, after: next }
  }
}
