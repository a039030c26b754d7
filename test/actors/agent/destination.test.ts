import { mkdirSync, realpathSync, symlinkSync, writeFileSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import {
  checkDestination,
  inspectDestination,
  partFileOf,
  resolveDestination,
} from '../../../src/actors/agent/destination.ts'
import { done } from '../../../src/domain/refusal.ts'
import { fingerprintOf } from '../../../src/storage/fingerprint.ts'
import { claim } from '../../../src/storage/piece-file.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const bytes = Buffer.from('the very file')
const manifest = manifestOf('film.bin', bytes)

test('A destination is a folder, where the file keeps its name, or a path in one; links to the folder are resolved.', async t => {
  const folder = realpathSync(tempFolder(t))
  mkdirSync(join(folder, 'films'))
  symlinkSync(join(folder, 'films'), join(folder, 'link'))
  t.deepEqual(await resolveDestination(join(folder, 'link'), 'film.bin'), done(join(folder, 'films', 'film.bin')))
  t.deepEqual(await resolveDestination(join(folder, 'link', 'mine'), 'film.bin'), done(join(folder, 'films', 'mine')))
})

test('A destination in a folder that does not exist, or in a file, is refused.', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'file'), '')
  for (const destination of [join(folder, 'none', 'film.bin'), join(folder, 'file', 'film.bin')])
    t.like(await resolveDestination(destination, 'film.bin'), { ok: false, code: 'destination-unwritable' })
})

for (const [what, kind, content] of [
  ['nothing there', 'free', undefined],
  ['another file of that size', 'other', Buffer.from('THE VERY FILE')],
  ['a shorter file', 'other', Buffer.from('the')],
  ['the placeholder that a kill left', 'claimed', Buffer.from(claim)],
] as const)
  test(`A destination with ${what} is ${kind}.`, async t => {
    const path = join(tempFolder(t), 'film.bin')
    if (content) writeFileSync(path, content)
    t.deepEqual(await inspectDestination(path, manifest), { kind })
  })

test('A folder, and a symbolic link to the very file, count as other files.', async t => {
  const folder = tempFolder(t)
  mkdirSync(join(folder, 'folder'))
  writeFileSync(join(folder, 'film.bin'), bytes)
  symlinkSync(join(folder, 'film.bin'), join(folder, 'link'))
  for (const name of ['folder', 'link'])
    t.deepEqual(await inspectDestination(join(folder, name), manifest), { kind: 'other' })
})

test('A destination with the very file comes with its fingerprint.', async t => {
  const path = join(tempFolder(t), 'film.bin')
  writeFileSync(path, bytes)
  const fingerprint = fingerprintOf(await lstat(path, { bigint: true }))
  t.deepEqual(await inspectDestination(path, manifest), { kind: 'same', fingerprint })
})

test('A download may go to a free name, to the very file, and to another file it may overwrite.', async t => {
  const path = join(tempFolder(t), 'film.bin')
  t.true((await checkDestination(path, manifest, false)).ok)
  writeFileSync(path, 'another file')
  t.like(await checkDestination(path, manifest, false), { ok: false, code: 'destination-exists' })
  t.true((await checkDestination(path, manifest, true)).ok)
  writeFileSync(path, bytes)
  t.true((await checkDestination(path, manifest, false)).ok)
})

test('A download may not go where a file has its part file’s name, or where the disk has no room.', async t => {
  const path = join(tempFolder(t), 'film.bin')
  t.like(await checkDestination(path, { ...manifest, size: 2 ** 60 }, false), { ok: false, code: 'no-space' })
  writeFileSync(partFileOf(path), 'of another program')
  t.like(await checkDestination(path, manifest, true), { ok: false, code: 'destination-exists' })
})
