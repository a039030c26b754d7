import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createInactiveDownloads } from '../../../src/actors/agent/inactive-downloads.ts'
import { type Library, openLibrary } from '../../../src/storage/library.ts'
import { LibraryFailed } from '../../../src/storage/library-file.ts'
import { sharedBytes } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const { share, manifest } = sharedBytes(1000)

/** Downloads of these states, numbered from 1, and another user's; the library can be made to fail. */
function withDownloads(t: ExecutionContext, ...states: ('completed' | 'paused' | 'cancelled')[]) {
  const library = openLibrary(join(tempFolder(t), 'library.db'))
  t.teardown(() => library.close())
  const create = (user: string) =>
    library.createDownload({
      user,
      group: 'reef',
      name: manifest.name,
      share,
      manifest,
      destination: '/film',
      part: '/film.part',
      overwrite: false,
      createdAt: 1,
    }).id
  for (const state of states) library.changeDownload(create('alice'), { state })
  create('bob')
  const disk = { fails: false }
  const failing = new Proxy(library, {
    get(target, name: keyof Library) {
      if (disk.fails) throw new LibraryFailed('the disk fails')
      return target[name]
    },
  })
  const inactive = createInactiveDownloads('alice', failing, pino({ level: 'silent' }))
  t.teardown(() => inactive.close())
  return { inactive, disk }
}

test('Each download of a user is shown, alone or in their list, whether it is over or not.', t => {
  const { inactive } = withDownloads(t, 'completed', 'paused', 'cancelled')
  t.is(inactive.view(3)?.state, 'cancelled')
  t.is(inactive.view(4), undefined, "another user's")
  t.deepEqual(inactive.ids(), [1, 2, 3])
  t.deepEqual(
    inactive.ids().map(id => inactive.view(id)?.state),
    ['completed', 'paused', 'cancelled'],
  )
  t.is(inactive.view(4), undefined)
  t.is(inactive.view(1), inactive.view(1), 'one object until it changes')
})

test('While the disk fails, those that are not over are shown, and so are the others once they were.', t => {
  const { inactive, disk } = withDownloads(t, 'completed', 'paused')
  disk.fails = true
  t.is(inactive.view(2)?.state, 'paused')
  t.throws(() => inactive.view(1), { instanceOf: LibraryFailed })
  disk.fails = false
  t.is(inactive.ids().length, 2)
  disk.fails = true
  t.is(inactive.view(1)?.state, 'completed')
  t.deepEqual(inactive.ids(), [1, 2])
})

test('A list that is read after a change shows the change.', t => {
  const { inactive, disk } = withDownloads(t, 'completed', 'paused')
  disk.fails = true
  inactive.recordEnding(2, { ending: 'failed', problem: { code: 'no-space', message: 'full' } }, 0)
  disk.fails = false
  t.deepEqual(
    inactive.ids().map(id => inactive.view(id)?.state),
    ['completed', 'failed'],
  )
})
