// Which shared files are checked, with real folders and recorded checks.

import { mkdirSync, renameSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { fileCheckTunables } from '../../../config/agent.ts'
import { FileSweep } from '../../../src/actors/agent/file-sweep.ts'
import type { ShareEntry, ShareName } from '../../../src/storage/library-shares.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'
import { until } from '../../helpers/until.ts'

const { atOnce } = fileCheckTunables

/** Shares of as many files in one folder, and the names of those that were checked. */
function sweeping(t: ExecutionContext, shares: number) {
  const root = tempFolder(t)
  const folder = join(root, 'films')
  mkdirSync(folder)
  const entries = Array.from({ length: shares }, (_, n) => {
    const name = String(n).padStart(5, '0')
    return { group: 'reef', name, path: join(folder, name) } as ShareEntry
  })
  const checked: string[] = []
  const sweep = new FileSweep({
    records: {
      page(after: ShareName | undefined, most: number) {
        const from = after ? entries.findIndex(({ name }) => name > after.name) : 0
        return from < 0 ? [] : entries.slice(from, from + most)
      },
      at: path => entries.filter(entry => entry.path === path),
    },
    files: { check: async ({ name }) => void checked.push(name) },
  })
  t.teardown(() => sweep.close())
  return { root, folder, entries, checked, sweep, names: entries.map(({ name }) => name) }
}

for (const shares of [0, 1, atOnce, atOnce + 1])
  test(`All of ${shares} files are checked at first, and then in turn, some at a time.`, async t => {
    const { sweep, checked, names } = sweeping(t, shares)
    await sweep.all()
    t.deepEqual(checked, names)
    checked.length = 0
    for (let round = 0; round < 2; round += 1)
      for (let n = 0; n < Math.ceil(shares / atOnce); n += 1) await sweep.next()
    t.true(checked.length <= 2 * names.length)
    t.deepEqual([...new Set(checked)], names)
  })

test('A shared file that changes is checked by itself once it is quiet, and other files are not.', async t => {
  const { sweep, checked, folder, names } = sweeping(t, 3)
  await sweep.all()
  checked.length = 0
  writeFileSync(join(folder, 'not shared'), 'a')
  writeFileSync(join(folder, names[1]!), 'a')
  await until('a check', async () => {
    await sweep.changed()
    return checked.length > 0
  })
  t.deepEqual(checked, [names[1]])
})

test('A file that is shared from now on is noticed, too.', async t => {
  const { sweep, checked, entries, names } = sweeping(t, 1)
  sweep.watch(entries[0]!.path)
  writeFileSync(entries[0]!.path, 'a')
  await until('a check', async () => {
    await sweep.changed()
    return checked.length > 0
  })
  t.deepEqual(checked, names)
})

test('When a folder is moved, all files are checked soon.', async t => {
  const { sweep, checked, root, folder, names } = sweeping(t, 2 * atOnce)
  await sweep.all()
  await sweep.next()
  checked.length = 0
  renameSync(folder, join(root, 'moved'))
  await sweep.next()
  t.deepEqual(checked, names)
})
