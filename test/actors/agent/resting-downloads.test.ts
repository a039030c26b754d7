import { join } from 'node:path'
import test from 'ava'
import pino from 'pino'
import { RestingDownloads } from '../../../src/actors/agent/resting-downloads.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

test('A session takes the downloads over only when no cancellation is under way, also of those that came meanwhile.', async t => {
  const folder = tempFolder(t)
  const library = openLibrary(join(folder, 'library.db'))
  t.teardown(() => library.close())
  const manifest = manifestOf('film.bin', Buffer.from('a film'))
  const { id } = library.createDownload({
    user: 'alice',
    group: 'reef',
    name: 'film.bin',
    share: shareId('reef', manifest),
    manifest,
    destination: join(folder, 'film.bin'),
    part: join(folder, 'film.bin.part'),
    overwrite: false,
    createdAt: 0,
  })
  const resting = new RestingDownloads(library, pino({ level: 'silent' }))
  t.is(resting.of('alice').view(id)?.state, 'queued')
  const closing = resting.close()
  let isCancelled = false
  const cancelling = resting
    .of('alice')
    .cancel(id)
    .then(() => {
      isCancelled = true
    })
  await closing
  t.true(isCancelled)
  t.is(library.download(id)?.state, 'cancelled')
  await cancelling
})
