import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { ShareRecords } from '../../../src/actors/agent/share-records.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'
import { sharedBytes } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const fingerprint = { size: 1000, mtimeNs: '1', ctimeNs: '1', ino: '2', dev: '3' }

const { manifest, share } = sharedBytes(1000)
const recordOf = (change: Partial<ShareRecord> = {}): ShareRecord => ({
  group: 'reef',
  name: manifest.name,
  share,
  manifest,
  path: '/f',
  fingerprint,
  state: 'announcing',
  ...change,
})
const entryOf = ({ manifest: _, ...entry }: ShareRecord) => entry

function openRecords(t: ExecutionContext) {
  const library = openLibrary(join(tempFolder(t), 'library.db'))
  t.teardown(() => library.close())
  return { records: new ShareRecords(library, 'alice'), others: new ShareRecords(library, 'bob') }
}

test('Records are those of the library, and stay so through every change.', t => {
  const { records, others } = openRecords(t)
  const record = recordOf()
  records.save(record)
  t.deepEqual([records.get(record), records.ofId(share), records.entry(record)], [record, record, entryOf(record)])
  t.deepEqual([records.at('/f'), records.at('/g')], [[entryOf(record)], []])
  t.deepEqual([records.announcing(9), records.onOffer], [[entryOf(record)], 1])
  records.setState(record, 'sharing')
  t.is(records.get(record)?.state, 'sharing')
  t.deepEqual([records.announcing(9), records.onOffer], [[], 1])
  t.deepEqual([others.page(undefined, 9), others.ofId(share), others.onOffer], [[], undefined, 0], 'of this user alone')
  records.remove(record)
  t.deepEqual([records.get(record), records.entry(record), records.onOffer], [undefined, undefined, 0])
})

test('Pages hold each record once, in one order, without manifests.', t => {
  const { records } = openRecords(t)
  const names = [
    { group: 'atoll', name: 'b' },
    { group: 'atoll', name: 'c' },
    { group: 'reef', name: 'a' },
  ]
  for (const name of names.toReversed()) records.save(recordOf(name))
  const first = records.page(undefined, 2)
  const rest = records.page(first.at(-1), 2)
  t.deepEqual(
    [...first, ...rest],
    names.map(name => entryOf(recordOf(name))),
  )
  t.deepEqual(records.page(rest.at(-1), 2), [])
})

test('Files that left sharing are found by that, the last ones first to be kept, and are not on offer.', t => {
  const { records } = openRecords(t)
  for (const name of ['a', 'b', 'c', 'd']) records.save(recordOf({ name, state: 'sharing' }))
  records.setState(recordOf({ name: 'a' }), 'changed')
  records.setState(recordOf({ name: 'b' }), 'vanished')
  records.setState(recordOf({ name: 'd' }), 'vanished')
  t.deepEqual(
    records.lost(2).map(({ name }) => name),
    ['b', 'd'],
  )
  t.is(records.onOffer, 1)
})
