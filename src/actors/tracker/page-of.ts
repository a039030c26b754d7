// The first page of a list. Its bytes are bounded, not its rows: a file's row may name one sharer or a thousand.

import { trackerTunables } from '../../../config/tracker.ts'

/** At least one row, so that asking page after page comes to an end. */
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
