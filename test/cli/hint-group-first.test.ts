import test from 'ava'
import type { Context } from '../../src/cli/context.ts'
import { hintGroupFirst } from '../../src/cli/hint-group-first.ts'
import { isPathSecond } from '../../src/cli/is-path-second.ts'
import { done, refuse } from '../../src/domain/refusal.ts'

/** Trackers that know one group, reef. */
const context = {
  connect: async () => done({ trackers: { ask: async () => done({ rows: [{ group: 'reef' }], next: undefined }) } }),
  display: { whileWaiting: <T>(_: string, work: Promise<T>) => work },
} as unknown as Context
const missing = refuse('no-such-group', 'there is no such group; see shoal group list')

test('A user in place of the group is answered with the right line, under the same code.', async t => {
  const swapped = { name: 'group accept', group: 'bob', other: 'reef' }
  t.deepEqual(
    await hintGroupFirst(context, missing, swapped),
    refuse('no-such-group', 'bob is not a group; the group comes first: shoal group accept reef bob'),
  )
})

test('A file name in place of the group is quoted as it has to be typed.', async t => {
  const invalid = refuse('invalid-name', 'a group name has letters')
  const swapped = { name: 'download', group: 'my film.mkv', other: 'reef', rest: ['.'] }
  const hinted = await hintGroupFirst(context, invalid, swapped)
  t.like(hinted, {
    code: 'invalid-name',
    message: '"my film.mkv" is not a group; the group comes first: shoal download reef "my film.mkv" .',
  })
})

test('Any other failure stays as it is, and so does success.', async t => {
  const notOwner = refuse('not-owner', 'only the owner can do this')
  t.is(await hintGroupFirst(context, notOwner, { name: 'group accept', group: 'bob', other: 'reef' }), notOwner)
  t.is(await hintGroupFirst(context, missing, { name: 'group accept', group: 'bob', other: 'carol' }), missing)
  const success = done(1)
  t.is(await hintGroupFirst(context, success, { name: 'group accept', group: 'bob', other: 'reef' }), success)
})

test('An argument that exists on disk is the path; otherwise the one that cannot name a group is.', t => {
  t.true(isPathSecond('reef', 'package.json'))
  t.true(isPathSecond('reef', './missing.mkv'))
  t.false(isPathSecond('package.json', 'reef'))
  t.false(isPathSecond('./missing.mkv', 'reef'))
  t.false(isPathSecond('missing', 'reef'))
  // Beside a folder, or a file, that is named like the group.
  t.false(isPathSecond('missing', 'docs'))
  t.false(isPathSecond('missing.mkv', 'LICENSE'))
  t.false(isPathSecond('missing.mkv', 'a'.repeat(5_000)))
})
