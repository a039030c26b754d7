import { execFileSync } from 'node:child_process'
import { appendFile, chmod, mkdir, open, rename, symlink, unlink, utimes, writeFile } from 'node:fs/promises'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { settledFingerprint } from '../../src/storage/fingerprint.ts'
import {
  openRegularFile,
  openSharedFile,
  SharedFileChanged,
  SharedFileVanished,
} from '../../src/storage/shared-file.ts'
import { readBytes } from '../helpers/read-bytes.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

async function fingerprintAt(path: string) {
  const file = await open(path)
  try {
    return await settledFingerprint(file)
  } finally {
    await file.close()
  }
}

async function fixture(t: ExecutionContext) {
  const folder = tempFolder(t)
  const path = join(folder, 'file')
  await writeFile(path, '0123456789')
  const shared = await openSharedFile(path, await fingerprintAt(path))
  t.teardown(() => shared.close())
  return { folder, path, shared }
}

test('An unaltered file gives exactly the bytes asked for.', async t => {
  const { shared } = await fixture(t)
  t.is((await readBytes(4, into => shared.read(3, into))).toString(), '3456')
  t.is((await readBytes(10, into => shared.read(0, into))).toString(), '0123456789')
  await t.notThrowsAsync(shared.check())
})

const alterations: Record<string, (path: string) => Promise<void>> = {
  'overwritten in place': async path => {
    const file = await open(path, 'r+')
    await file.write('X', 5)
    await file.close()
  },
  'overwritten with its time put back': async path => {
    const file = await open(path, 'r+')
    const { atime, mtime } = await file.stat()
    await file.write('X', 5)
    await file.utimes(atime, mtime)
    await file.close()
  },
  lengthened: path => appendFile(path, 'more'),
  shortened: path => writeFile(path, '01'),
}
for (const [how, alter] of Object.entries(alterations))
  test(`No byte of a file that was ${how} is given out.`, async t => {
    const { path, shared } = await fixture(t)
    await alter(path)
    await t.throwsAsync(shared.read(0, [Buffer.alloc(4)]), { instanceOf: SharedFileChanged })
    await t.throwsAsync(shared.check(), { instanceOf: SharedFileChanged })
  })

const departures: Record<string, (path: string, folder: string) => Promise<void>> = {
  deleted: path => unlink(path),
  'moved away': (path, folder) => rename(path, join(folder, 'elsewhere')),
}
for (const [how, leave] of Object.entries(departures))
  test(`A file that was ${how} has vanished.`, async t => {
    const { path, folder, shared } = await fixture(t)
    await leave(path, folder)
    await t.throwsAsync(shared.read(0, [Buffer.alloc(4)]), { instanceOf: SharedFileVanished })
    await t.throwsAsync(shared.check(), { instanceOf: SharedFileVanished })
  })

test('Another file under the same name counts as changed, even with the same bytes and times.', async t => {
  const { path, folder, shared } = await fixture(t)
  const copy = join(folder, 'copy')
  await writeFile(copy, '0123456789')
  await utimes(copy, 1, 1)
  await rename(copy, path)
  await t.throwsAsync(shared.check(), { instanceOf: SharedFileChanged })
})

test('A file altered before it is opened again is not opened.', async t => {
  const { path } = await fixture(t)
  const hashed = await fingerprintAt(path)
  await appendFile(path, 'more')
  await t.throwsAsync(openSharedFile(path, hashed), { instanceOf: SharedFileChanged })
  await unlink(path)
  await t.throwsAsync(openSharedFile(path, hashed), { instanceOf: SharedFileVanished })
})

test('A write that comes right after hashing began always shows.', async t => {
  const folder = tempFolder(t)
  const path = join(folder, 'file')
  for (let round = 0; round < 10; round += 1) {
    await writeFile(path, `round ${round}`)
    const hashed = await fingerprintAt(path)
    await writeFile(path, `ROUND ${round}`)
    await t.throwsAsync(openSharedFile(path, hashed), { instanceOf: SharedFileChanged })
  }
})

test('A folder, a pipe, a socket, a device and a missing file cannot be shared.', async t => {
  const folder = tempFolder(t)
  await mkdir(join(folder, 'folder'))
  execFileSync('mkfifo', [join(folder, 'pipe')])
  const server = createServer().listen(join(folder, 'socket'))
  t.teardown(() => server.close())
  for (const path of ['folder', 'pipe', 'socket', 'missing', '../../dev/null'].map(name => join(folder, name))) {
    const opened = await openRegularFile(path)
    t.false(opened.ok)
    if (!opened.ok) t.is(opened.code, 'file-unreadable')
  }
})

test('A file may be shared through a symbolic link.', async t => {
  const { folder, path } = await fixture(t)
  await symlink(path, join(folder, 'link'))
  const shared = await openSharedFile(join(folder, 'link'), await fingerprintAt(path))
  t.is((await readBytes(2, into => shared.read(0, into))).toString(), '01')
  await shared.close()
})

const unlessRoot = process.getuid?.() === 0 ? test.skip : test
unlessRoot('a file that may not be read is refused', async t => {
  const { path } = await fixture(t)
  await chmod(path, 0)
  const opened = await openRegularFile(path)
  t.false(opened.ok)
})
