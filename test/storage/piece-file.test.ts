import { execFileSync } from 'node:child_process'
import { constants } from 'node:fs'
import {
  access,
  chmod,
  link,
  lstat,
  mkdir,
  open,
  readdir,
  readFile,
  symlink,
  unlink,
  writeFile,
} from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Outcome } from '../../src/domain/refusal.ts'
import { fingerprintOf } from '../../src/storage/fingerprint.ts'
import { openPieceFile, type PieceFile, PieceFileDamaged } from '../../src/storage/piece-file.ts'
import { checkFreeSpace, storageRefusal } from '../../src/storage/storage-refusal.ts'
import { granted } from '../helpers/granted.ts'
import { readBytes } from '../helpers/read-bytes.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const manifest = { size: 25, pieceLength: 10 }
const bytes = Buffer.from('0123456789abcdefghijABCDE')
const codeOf = (outcome: Outcome<unknown>) => (outcome.ok ? 'done' : outcome.code)

async function fixture(t: ExecutionContext) {
  const folder = tempFolder(t)
  const part = join(folder, 'file.part')
  const final = join(folder, 'file')
  const file = granted(await openPieceFile(part, manifest, 'fresh'))
  t.teardown(() => file.close())
  return { folder, part, final, file }
}

async function fill(file: PieceFile): Promise<void> {
  granted(await file.write(2, 0, bytes.subarray(20)))
  granted(await file.write(0, 0, bytes.subarray(0, 10)))
  granted(await file.write(1, 4, bytes.subarray(14, 20)))
  granted(await file.write(1, 0, bytes.subarray(10, 14)))
}

test('Pieces written in any order can be read back, and become the whole file under its name.', async t => {
  const { file, final, folder } = await fixture(t)
  await fill(file)
  t.deepEqual(await readBytes(5, into => file.read(1, 2, into)), bytes.subarray(12, 17))
  const finished = await file.finish(final, { overwrite: false })
  t.deepEqual(await readFile(final), bytes)
  t.deepEqual(await readdir(folder), ['file'])
  t.deepEqual(granted(finished), fingerprintOf(await lstat(final, { bigint: true })))
  t.deepEqual(await readBytes(5, into => file.read(2, 0, into)), bytes.subarray(20))
})

test('The part file has its full length from the start, and the mode that the umask gives.', async t => {
  const { part } = await fixture(t)
  const { size, mode } = await lstat(part)
  t.is(size, 25)
  t.is(mode & 0o777, 0o666 & ~process.umask())
})

test('Bytes outside their piece are a broken contract.', async t => {
  const { file } = await fixture(t)
  for (const [piece, offset, length] of [
    [0, 5, 6],
    [2, 0, 6],
    [3, 0, 1],
    [0, -1, 1],
    [-1, 0, 1],
  ] as const) {
    await t.throwsAsync(file.write(piece, offset, Buffer.alloc(length)), { instanceOf: RangeError })
    await t.throwsAsync(file.read(piece, offset, [Buffer.alloc(length)]), { instanceOf: RangeError })
  }
})

test('An existing file with the final name stays as it is, and so does the part file.', async t => {
  const { file, part, final } = await fixture(t)
  await fill(file)
  await writeFile(final, 'mine')
  t.is(codeOf(await file.finish(final, { overwrite: false })), 'destination-exists')
  t.is(await readFile(final, 'utf8'), 'mine')
  t.deepEqual(await readFile(part), bytes)
  await unlink(final)
  t.is(codeOf(await file.finish(final, { overwrite: false })), 'done')
})

test('A dangling link with the final name counts as an existing file.', async t => {
  const { file, final, folder } = await fixture(t)
  await symlink(join(folder, 'elsewhere'), final)
  t.is(codeOf(await file.finish(final, { overwrite: false })), 'destination-exists')
  t.true((await lstat(final)).isSymbolicLink())
})

test('With overwrite, an existing file is replaced, but a folder is not.', async t => {
  const { file, final, folder } = await fixture(t)
  await fill(file)
  await mkdir(join(folder, 'folder'))
  t.is(codeOf(await file.finish(join(folder, 'folder'), { overwrite: true })), 'destination-exists')
  await writeFile(final, 'mine')
  t.is(codeOf(await file.finish(final, { overwrite: true })), 'done')
  t.deepEqual(await readFile(final), bytes)
})

test('Finishing continues after a kill between adding the new name and removing the old one.', async t => {
  const { file, part, final, folder } = await fixture(t)
  await fill(file)
  await link(part, final)
  t.is(codeOf(await file.finish(final, { overwrite: false })), 'done')
  t.deepEqual(await readdir(folder), ['file'])
})

test('A part file that another program replaced does not get the name.', async t => {
  const { file, part, final } = await fixture(t)
  await unlink(part)
  await writeFile(part, 'another')
  t.is(codeOf(await file.finish(final, { overwrite: true })), 'integrity')
  await t.throwsAsync(access(final))
})

test('A part file is never reached through a symbolic link.', async t => {
  const folder = tempFolder(t)
  const victim = join(folder, 'victim')
  await writeFile(victim, 'precious')
  await symlink(victim, join(folder, 'a.part'))
  t.is(codeOf(await openPieceFile(join(folder, 'a.part'), manifest, 'resume')), 'destination-unwritable')
  t.is(codeOf(await openPieceFile(join(folder, 'a.part'), manifest, 'fresh')), 'destination-exists')
  t.is(await readFile(victim, 'utf8'), 'precious')
})

test('A pipe or folder in place of the part file is refused and left alone.', async t => {
  const folder = tempFolder(t)
  execFileSync('mkfifo', [join(folder, 'pipe')])
  await mkdir(join(folder, 'folder'))
  for (const name of ['pipe', 'folder']) {
    t.is(codeOf(await openPieceFile(join(folder, name), manifest, 'resume')), 'destination-unwritable')
    t.false((await lstat(join(folder, name))).isFile())
  }
})

test('A folder that does not exist is refused with a message that says so.', async t => {
  const folder = tempFolder(t)
  const outcome = await openPieceFile(join(folder, 'missing', 'a.part'), manifest, 'fresh')
  t.is(codeOf(outcome), 'destination-unwritable')
  t.regex(outcome.ok ? '' : outcome.message, /does not exist/)
})

const untilNotRoot = process.getuid?.() === 0 ? test.skip : test
untilNotRoot('A folder that may not be written is refused.', async t => {
  const folder = tempFolder(t)
  await chmod(folder, 0o500)
  t.is(codeOf(await openPieceFile(join(folder, 'a.part'), manifest, 'fresh')), 'destination-unwritable')
  await chmod(folder, 0o700)
})

test('An error about a full disk becomes no-space.', async t => {
  // The one file that every Linux system has and that takes no byte.
  const full = await open('/dev/full', constants.O_WRONLY).catch(() => undefined)
  if (!full) return t.pass('this system has no /dev/full')
  const error = await full.write('x').catch(error => error)
  await full.close()
  t.is(storageRefusal(error, '/some/path').code, 'no-space')
})

test('Resuming keeps the bytes that are there, and makes a missing part file again.', async t => {
  const { file, part } = await fixture(t)
  await fill(file)
  const again = granted(await openPieceFile(part, manifest, 'resume'))
  t.deepEqual(await readBytes(10, into => again.read(0, 0, into)), bytes.subarray(0, 10))
  await again.discard()
  const fresh = granted(await openPieceFile(part, manifest, 'resume'))
  t.deepEqual(await readBytes(10, into => fresh.read(0, 0, into)), Buffer.alloc(10))
  await fresh.discard()
})

test('An existing part file does not count as a new one, and stays as it is.', async t => {
  const { file, part } = await fixture(t)
  await fill(file)
  t.is(codeOf(await openPieceFile(part, manifest, 'fresh')), 'destination-exists')
  t.deepEqual(await readFile(part), bytes)
})

test('Discarding removes the part file, but not a file that has replaced it since.', async t => {
  const { file, part, folder } = await fixture(t)
  await file.discard()
  t.deepEqual(await readdir(folder), [])
  const second = granted(await openPieceFile(part, manifest, 'fresh'))
  await unlink(part)
  await writeFile(part, 'another')
  await second.discard()
  t.is(await readFile(part, 'utf8'), 'another')
})

test('A part file that another program shortened is noticed when it is read.', async t => {
  const { file, part } = await fixture(t)
  await writeFile(part, '')
  await t.throwsAsync(file.read(0, 0, [Buffer.alloc(10)]), { instanceOf: PieceFileDamaged })
})

test('Free space is checked before anything is written.', async t => {
  const folder = tempFolder(t)
  t.is(codeOf(await checkFreeSpace(folder, 1)), 'done')
  t.is(codeOf(await checkFreeSpace(folder, 2 ** 60)), 'no-space')
  t.is(codeOf(await checkFreeSpace(join(folder, 'missing'), 1)), 'destination-unwritable')
})

test('An empty file is finished like any other.', async t => {
  const folder = tempFolder(t)
  const empty = { size: 0, pieceLength: 10 }
  const file = granted(await openPieceFile(join(folder, 'e.part'), empty, 'fresh'))
  t.is(codeOf(await file.finish(join(folder, 'e'), { overwrite: false })), 'done')
  await file.close()
  t.is((await lstat(join(folder, 'e'))).size, 0)
})
