import test from 'ava'
import pino from 'pino'
import { ShareTroubles } from '../../../src/actors/agent/share-troubles.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'

const log = pino({ level: 'silent' })
const share = (name: string) => ({ group: 'reef', name })

test('A file has one trouble, the latest, until it is settled.', t => {
  const troubles = new ShareTroubles(log)
  troubles.note(share('film.bin'), 'first')
  troubles.note(share('song.bin'), 'other')
  troubles.note(share('film.bin'), 'second')
  t.deepEqual(troubles.list, [
    { file: 'reef/song.bin', message: 'song.bin is no longer shared with reef: other' },
    { file: 'reef/film.bin', message: 'film.bin is no longer shared with reef: second' },
  ])
  t.is(troubles.list[0], troubles.list[0], 'a watcher can tell a new trouble from a known one')
  troubles.settle(share('film.bin'))
  troubles.settle(share('never.bin'))
  t.deepEqual(
    troubles.list.map(({ file }) => file),
    ['reef/song.bin'],
  )
})

test('Only the last troubles are kept.', t => {
  const troubles = new ShareTroubles(log, 2)
  for (const name of ['a', 'b', 'c']) troubles.note(share(name), 'gone')
  t.deepEqual(
    troubles.list.map(({ file }) => file),
    ['reef/b', 'reef/c'],
  )
})

test('A trouble about a file names its path, with control characters replaced.', t => {
  const troubles = new ShareTroubles(log)
  const record = { ...share('film.bin'), path: '/films/\u001bfilm.bin' } as ShareRecord
  troubles.noteFile(record, 'changed')
  t.is(
    troubles.list[0]?.message,
    'film.bin is no longer shared with reef: /films/\ufffdfilm.bin has changed; share it again',
  )
  troubles.noteFile(record, 'vanished')
  t.is(
    troubles.list[0]?.message,
    'film.bin is no longer shared with reef: /films/\ufffdfilm.bin is missing or unreadable',
  )
})
