// The beginning of a list that an answer has room for. Bytes are what is bounded, not rows: a file's row names its
// sharers, one or a thousand.

import { trackerTunables } from '../../../config/tracker.ts'

/** One row at least, so that whoever asks for page after page comes to the end. */
export function pageOf<R, K>(list: Iterable<R>, keyOf: (row: R) => K): { rows: R[]; next?: K } {
  const rows: R[] = []
  let room = trackerTunables.pageBytes
  for (const row of list) {
    room -= Buffer.byteLength(JSON.stringify(row))
    const last = rows.at(-1)
    if (room < 0 && last !== undefined) return { rows, next: keyOf(last) }
    rows.push(row)
  }
  return { rows }
}
