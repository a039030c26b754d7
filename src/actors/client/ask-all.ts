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
  const all: Row<M>[] = []
  const asked = await eachPage(trackers, method, params, rows => void all.push(...rows), askedAt)
  return asked.ok ? done(all) : asked
}

/** Gives each page to `take`, and asks for the next one once that is done with it. */
export async function eachPage<M extends PagedMethod>(
  trackers: Pick<TrackerClient, 'ask'>,
  method: M,
  params: TrackerParams<M>,
  take: (rows: readonly Row<M>[]) => void | Promise<void>,
  askedAt?: number,
): Promise<Outcome<void>> {
  let asked = params
  for (let isFirst = true; ; isFirst = false) {
    const answer = await trackers.ask(method, asked, isFirst ? askedAt : undefined)
    if (!answer.ok) return answer
    await take(answer.value.rows)
    const { next } = answer.value
    if (next === undefined) return done(undefined)
    asked = { ...params, after: next }
  }
}
