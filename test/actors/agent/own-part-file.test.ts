import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { discardFiles, openOwnPartFile, removeOwnPartFile } from '../../../src/actors/agent/own-part-file.ts'
import { createBitfield } from '../../../src/domain/bitfield.ts'
import type { DownloadChange, DownloadRecord } from '../../../src/storage/library-downloads.ts'
import { claim } from '../../../src/storage/piece-file.ts'
import { granted } from '../../helpers/granted.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const bytes = Buffer.from('the very file')

/** `onChange` runs before a change is recorded. */
function openRecord(t: ExecutionContext, onChange: (part: string) => void = () => {}) {
  const part = join(tempFolder(t), 'film.bin.part')
  const changes: DownloadChange[] = []
  const record = (madePart: boolean): DownloadRecord => ({
    id: 7,
    user: 'alice',
    group: 'reef',
    name: 'film.bin',
    share: 'f'.repeat(32),
    manifest: manifestOf('film.bin', bytes),
    destination: part.slice(0, -'.part'.length),
    part,
    overwrite: false,
    createdAt: 0,
    state: 'queued',
    verified: createBitfield(1),
    madePart,
    error: undefined,
    seconds: 0,
    fetchedBytes: 0,
    deliveries: [],
    finishedAt: undefined,
  })
  const library = {
    changeDownload(_: number, change: DownloadChange) {
      onChange(part)
      changes.push(change)
    },
  }
  return { part, changes, record, library }
}

test('A part file is recorded before it is made.', async t => {
  const { part, changes, record, library } = openRecord(t, path => t.false(existsSync(path)))
  await granted(await openOwnPartFile(library, record(false))).close()
  t.deepEqual(changes, [{ madePart: true }])
  t.is(statSync(part).size, bytes.length)
})

test('A download continues with the part file it made, and makes it again if it is missing.', async t => {
  const { part, changes, record, library } = openRecord(t)
  writeFileSync(part, bytes)
  await granted(await openOwnPartFile(library, record(true))).close()
  t.deepEqual(readFileSync(part), bytes)
  await removeOwnPartFile(record(true))
  await granted(await openOwnPartFile(library, record(true))).close()
  t.true(existsSync(part))
  t.deepEqual(changes, [])
})

test('Another program’s file is refused and stays as it is, even when it appears at the last moment.', async t => {
  const early = openRecord(t)
  writeFileSync(early.part, 'of another program')
  t.like(await openOwnPartFile(early.library, early.record(false)), { ok: false, code: 'destination-exists' })
  t.deepEqual(early.changes, [])

  const late = openRecord(t, path => writeFileSync(path, 'of another program'))
  t.like(await openOwnPartFile(late.library, late.record(false)), { ok: false, code: 'destination-exists' })
  t.deepEqual(late.changes, [{ madePart: true }, { madePart: false }])

  for (const { part } of [early, late]) t.is(readFileSync(part, 'utf8'), 'of another program')
})

test('Only a regular file that the download made is removed.', async t => {
  const { part, record } = openRecord(t)
  t.false(await removeOwnPartFile(record(true)), 'there is none')
  writeFileSync(part, bytes)
  t.false(await removeOwnPartFile(record(false)))
  t.true(existsSync(part))
  t.true(await removeOwnPartFile(record(true)))
  t.false(existsSync(part))
  mkdirSync(part)
  t.false(await removeOwnPartFile(record(true)))
})

test('Discarding an inactive download removes its part file and a placeholder, but no other program’s file.', async t => {
  const { part, record } = openRecord(t)
  const { destination } = record(true)
  writeFileSync(part, bytes)
  writeFileSync(destination, claim)
  t.true((await discardFiles(record(true))).ok)
  t.deepEqual([existsSync(part), existsSync(destination)], [false, false])

  writeFileSync(part, 'of another program')
  writeFileSync(destination, 'another file')
  t.true((await discardFiles(record(false))).ok)
  t.deepEqual([readFileSync(part, 'utf8'), readFileSync(destination, 'utf8')], ['of another program', 'another file'])
})
