import test from 'ava'
import fc from 'fast-check'
import { trackerTunables } from '../../../config/tracker.ts'
import { pageOf } from '../../../src/actors/tracker/page-of.ts'

const bytesOf = (row: unknown) => Buffer.byteLength(JSON.stringify(row))

test('The pages make up the whole list, and each is within its size unless a single row exceeds it.', t => {
  const row = fc
    .oneof(
      { weight: 8, arbitrary: fc.integer({ min: 0, max: trackerTunables.pageBytes / 4 }) },
      { weight: 1, arbitrary: fc.integer({ min: trackerTunables.pageBytes, max: 2 * trackerTunables.pageBytes }) },
    )
    .chain(length => fc.constantFrom('x'.repeat(length), 'ü'.repeat(length / 2)))
  fc.assert(
    fc.property(fc.array(row, { maxLength: 20 }), texts => {
      const list = texts.map((text, index) => ({ index, text }))
      const pages = []
      for (let from: number | undefined = 0; from !== undefined; ) {
        const page: { rows: typeof list; next?: number } = pageOf(list.slice(from), ({ index }) => index + 1)
        pages.push(page)
        from = page.next
      }
      t.deepEqual(
        pages.flatMap(({ rows }) => rows),
        list,
      )
      for (const { rows, next } of pages) {
        t.true(rows.length > 0 || list.length === 0)
        const bytes = rows.reduce((sum, row) => sum + bytesOf(row), 0)
        t.true(rows.length === 1 || bytes <= trackerTunables.pageBytes)
        if (next !== undefined)
          t.true(bytes + bytesOf(list[next]) > trackerTunables.pageBytes, 'there was room for one more')
      }
    }),
    { numRuns: 50 },
  )
})
