import { join } from 'node:path'
import test from 'ava'
import { ShareRecords } from '../../../src/actors/agent/share-records.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'
import { sharedBytes } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const fingerprint = { size: 1000, mtimeNs: '1', ctimeNs: '1', ino: '2', dev: '3' }

test('Records are those of the library, and stay so through every change.', t => {
  const library = openLibrary(join(tempFolder(t), 'library.db'))
  t.teardown(() => library.close())
  const { manifest, share } = sharedBytes(1000)
  const records = new ShareRecords(library, 'alice')
  const record: ShareRecord = {
    group: 'reef',
    name: manifest.name,
    share,
    manifest,
    path: '/f',
    fingerprint,
    state: 'announcing',
  }
  const areEqual = () => t.deepEqual(new ShareRecords(library, 'alice').all(), records.all())

  records.save(record)
  t.deepEqual(records.get(record), record)
  areEqual()
  records.setState(record, 'sharing')
  t.is(records.get(record)?.state, 'sharing')
  areEqual()
  t.deepEqual(new ShareRecords(library, 'bob').all(), [], 'another user has none of them')
  records.remove(record)
  t.is(records.get(record), undefined)
  areEqual()
})

test('A record that the library refuses is not held in memory either.', t => {
  const full = new Error('disk full')
  const library = {
    shares: () => [],
    saveShare() {
      throw full
    },
  } as never
  const records = new ShareRecords(library, 'alice')
  t.is(
    t.throws(() => records.save({ group: 'reef', name: 'film.bin' } as ShareRecord)),
    full,
  )
  t.deepEqual(records.all(), [])
})
