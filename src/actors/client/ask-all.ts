// Fetches whole lists that trackers answer in pages. Each page is as of its own moment, never before the one it follows: a
// row that was there all along is in the list once.

import { done, type Outcome } from '../../domain/refusal.ts'
import type { PagedMethod, Row, TrackerParams } from '../../wire/tracker-api.ts'
import type { TrackerClient } from './tracker-client.ts'

/** `askedAt` is the first page's, as in `TrackerClient.ask`. */
export async function askAll<M extends PagedMethod>(
  trackers: Pick<TrackerClient, 'ask'>,
  method: M,
  params: TrackerParams<M>,
  askedAt?: number,
): Promise<Outcome<Row<M>[]>> {
  const rows: Row<M>[] = []
  let asked = params
  for (;;) {
    const answer = await trackers.ask(method, asked, rows.length === 0 ? askedAt : undefined)
    if (!answer.ok) return answer
    const { next } = answer.value
    rows.push(...answer.value.rows)
    if (next === undefined) return done(rows)
    asked = { ...params, after: next }
  }
}
