import { spawn, spawnSync } from 'node:child_process'
import { once } from 'node:events'
import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test, { type ExecutionContext } from 'ava'
import Database from 'better-sqlite3'
import { createBitfield } from '../../src/domain/bitfield.ts'
import { pieceCount, pieceLengthFor, sha1Bytes } from '../../src/domain/manifest.ts'
import { openLibrary } from '../../src/storage/library.ts'
import type { DownloadRecord, NewDownload } from '../../src/storage/library-downloads.ts'
import { LibraryFailed, LibraryInUse, LibraryUnusable } from '../../src/storage/library-file.ts'
import type { ShareRecord } from '../../src/storage/library-shares.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const bob = { user: 'bob', device: 'bbbbbbbbbbbb' }
const carol = { user: 'carol', device: 'cccccccccccc' }
const shareA = 'a'.repeat(32)
const shareB = 'b'.repeat(32)

function manifest(name: string, size: number) {
  const pieceLength = pieceLengthFor(size)
  const pieces = Buffer.alloc(pieceCount({ size, pieceLength }) * sha1Bytes).toString('base64')
  return { name, size, sha1: '1'.repeat(40), sha256: '2'.repeat(64), pieceLength, pieces }
}

const mib = 1024 * 1024
const film = manifest('film', 10 * mib)

const shareOf = (change: Partial<ShareRecord> = {}): ShareRecord => ({
  group: 'g',
  name: 'film',
  share: shareA,
  manifest: film,
  path: '/films/film',
  fingerprint: { size: film.size, mtimeNs: '1700000000123456789', ctimeNs: '2', ino: '18446744073709551615', dev: '4' },
  state: 'sharing',
  ...change,
})

const downloadOf = (change: Partial<NewDownload> = {}): NewDownload => ({
  user: 'alice',
  group: 'g',
  name: 'film',
  share: shareA,
  manifest: film,
  destination: '/home/film',
  part: '/home/film.part',
  overwrite: false,
  createdAt: 1_700_000_000_000,
  ...change,
})

/** A record with its bitfield as plain bytes, to compare. */
const plain = (record: DownloadRecord | undefined) => record && { ...record, verified: record.verified.toBytes() }

function fixture(t: ExecutionContext) {
  const file = join(tempFolder(t), 'library.db')
  let library = openLibrary(file)
  t.teardown(() => library.close())
  const reopen = () => {
    library.close()
    library = openLibrary(file)
    return library
  }
  return { file, library, reopen }
}

test('Shares are kept as saved, and users see only their own.', t => {
  const { library, reopen } = fixture(t)
  const song = shareOf({ name: 'song', share: shareB, manifest: manifest('song', 0) })
  library.saveShare('alice', song)
  library.saveShare('alice', shareOf())
  library.saveShare('bob', shareOf({ path: '/elsewhere' }))
  t.deepEqual(reopen().shares('alice'), [shareOf(), song])
  t.is(reopen().shares('bob')[0]!.path, '/elsewhere')
  t.deepEqual(reopen().shares('nobody'), [])
})

test('Saving a share replaces the one of that group and name.', t => {
  const { library } = fixture(t)
  const other = shareOf({ share: shareB, manifest: manifest('film', 7), state: 'changed' })
  library.saveShare('alice', shareOf())
  library.saveShare('alice', other)
  library.saveShare('alice', shareOf({ group: 'h' }))
  t.deepEqual(library.shares('alice'), [other, shareOf({ group: 'h' })])
})

test('A share not yet announced survives a restart, and is gone once it is removed.', t => {
  const { library, reopen } = fixture(t)
  library.saveShare('alice', shareOf())
  library.saveShare('bob', shareOf())
  library.setShareState('alice', 'g', 'film', 'announcing')
  const again = reopen()
  t.is(again.shares('alice')[0]!.state, 'announcing')
  t.is(again.shares('bob')[0]!.state, 'sharing')
  again.removeShare('alice', 'g', 'film')
  t.deepEqual(again.shares('alice'), [])
  t.is(again.shares('bob').length, 1)
})

test('A new download is queued, has no piece, and gets a number that is never used again.', t => {
  const { library, file, reopen } = fixture(t)
  const first = library.createDownload(downloadOf())
  t.deepEqual(plain(first), {
    ...downloadOf(),
    id: 1,
    state: 'queued',
    verified: createBitfield(20).toBytes(),
    error: undefined,
    seconds: 0,
    fetchedBytes: 0,
    deliveries: [],
    finishedAt: undefined,
    madePart: false,
  })
  t.is(library.createDownload(downloadOf({ user: 'bob', overwrite: true })).id, 2)
  t.deepEqual(plain(library.download(1)), plain(first))
  t.is(library.download(3), undefined)
  t.deepEqual(
    reopen()
      .downloads('bob')
      .map(download => download.overwrite),
    [true],
  )
  t.is(statSync(file).mode & 0o777, 0o600)
})

test('A change leaves the rest of a download alone.', t => {
  const { library, reopen } = fixture(t)
  const first = library.createDownload(downloadOf())
  library.createDownload(downloadOf())
  const error = { code: 'no-space', message: 'full' }
  library.changeDownload(1, { state: 'failed', error, seconds: 1.5, finishedAt: 9 })
  const failed = reopen().download(1)!
  t.deepEqual(plain(failed), { ...plain(first), state: 'failed', error, seconds: 1.5, finishedAt: 9 })
  const again = reopen()
  again.changeDownload(1, { state: 'queued', error: undefined, finishedAt: undefined })
  const queued = again.download(1)!
  t.deepEqual([queued.state, queued.error, queued.finishedAt, queued.seconds], ['queued', undefined, undefined, 1.5])
  again.changeDownload(1, { overwrite: true, madePart: true })
  t.deepEqual(plain(again.download(1)), { ...plain(queued), overwrite: true, madePart: true })
  t.is(again.download(2)!.state, 'queued')
})

test('A piece, its peer and its bytes are recorded together and survive a restart.', t => {
  const { library, reopen } = fixture(t)
  library.createDownload(downloadOf())
  library.recordPiece(1, 0, bob, 'direct', 100)
  library.recordPiece(1, 9, bob, 'direct', 100)
  library.recordPiece(1, 19, carol, 'relay', 50)
  library.recordPiece(1, 2, bob, 'relay', 100)
  library.recordWaste(1, 7)
  const { share, manifest, verified, fetchedBytes, deliveries } = reopen().download(1)!
  t.is(share, shareA)
  t.deepEqual(manifest, film)
  t.is(verified.length, 20)
  t.is(verified.count, 4)
  for (const piece of [0, 2, 9, 19]) t.true(verified.has(piece))
  t.is(fetchedBytes, 357)
  t.deepEqual(deliveries, [
    { ...bob, pieces: 2, bytes: 200, via: 'direct' },
    { ...bob, pieces: 1, bytes: 100, via: 'relay' },
    { ...carol, pieces: 1, bytes: 50, via: 'relay' },
  ])
})

test('A piece recorded twice counts as one delivery and as bytes fetched twice.', t => {
  const { library } = fixture(t)
  library.createDownload(downloadOf())
  library.recordPiece(1, 3, bob, 'direct', 100)
  library.recordPiece(1, 3, carol, 'direct', 100)
  const { verified, fetchedBytes, deliveries } = library.download(1)!
  t.is(verified.count, 1)
  t.is(fetchedBytes, 200)
  t.deepEqual(deliveries, [{ ...bob, pieces: 1, bytes: 100, via: 'direct' }])
})

test('After the part file was checked, only the right pieces count.', t => {
  const { library, reopen } = fixture(t)
  library.createDownload(downloadOf())
  for (const piece of [0, 1, 2]) library.recordPiece(1, piece, bob, 'direct', 1)
  const verified = createBitfield(20)
  verified.add(1)
  library.saveVerified(1, verified)
  const after = reopen().download(1)!.verified
  t.deepEqual([after.count, after.has(1)], [1, true])
})

test('A download keeps its manifest when the same share is removed.', t => {
  const { library } = fixture(t)
  library.saveShare('alice', shareOf())
  library.createDownload(downloadOf())
  library.removeShare('alice', 'g', 'film')
  t.deepEqual(library.download(1)!.manifest, film)
})

test('A manifest is removed with the last share that refers to it.', t => {
  const { library, file } = fixture(t)
  library.saveShare('alice', shareOf())
  library.saveShare('alice', shareOf({ group: 'h' }))
  library.removeShare('alice', 'g', 'film')
  t.is(library.shares('alice').length, 1)
  library.removeShare('alice', 'h', 'film')
  library.close()
  const database = new Database(file, { readonly: true })
  t.is(database.prepare('SELECT count(*) FROM manifests').pluck().get(), 0)
  database.close()
})

test('The manifest of a replaced share is removed, unless a download or another share refers to it.', t => {
  const { library, file } = fixture(t)
  const shareC = 'c'.repeat(32)
  library.createDownload(downloadOf())
  library.saveShare('alice', shareOf())
  library.saveShare('alice', shareOf({ share: shareB }))
  library.saveShare('bob', shareOf({ share: shareB }))
  library.saveShare('alice', shareOf({ share: shareC }))
  library.saveShare('bob', shareOf({ share: shareC }))
  library.close()
  const database = new Database(file, { readonly: true })
  const kept = database.prepare('SELECT share FROM manifests ORDER BY share').pluck().all()
  database.close()
  t.deepEqual(kept, [shareA, shareC])
})

test('A summary of a download has all but its pieces, and unfinished ones can be asked for alone.', t => {
  const { library } = fixture(t)
  const states = ['queued', 'completed', 'cancelled', 'failed', 'paused'] as const
  for (const state of states) library.changeDownload(library.createDownload(downloadOf()).id, { state })
  library.recordPiece(1, 3, bob, 'direct', 100)
  const { size, sha1, pieceLength } = film
  const summary = { ...plain(library.download(1)), manifest: { size, sha1, pieceLength } }
  const [first, ...others] = library.downloadSummaries('alice')
  t.deepEqual({ ...first, verified: first!.verified.toBytes() }, summary as never)
  t.deepEqual(
    others.map(({ state }) => state),
    states.slice(1),
  )
  t.deepEqual(
    library.unfinishedDownloads('alice').map(({ state }) => state),
    ['queued', 'failed', 'paused'],
  )
  t.deepEqual([library.downloadSummaries('bob'), library.unfinishedDownloads('bob')], [[], []])
})

test('An unknown download or piece is a broken contract.', t => {
  const { library } = fixture(t)
  const bug = { instanceOf: RangeError }
  t.throws(() => library.recordPiece(1, 0, bob, 'direct', 1), bug)
  t.throws(() => library.changeDownload(1, { state: 'failed' }), bug)
  library.createDownload(downloadOf())
  t.throws(() => library.recordPiece(1, 20, bob, 'direct', 1), bug)
  t.throws(() => library.recordPiece(1, -1, bob, 'direct', 1), bug)
  t.is(library.download(1)!.fetchedBytes, 0)
})

const openInAnother = `
  import { openLibrary } from '${new URL('../../src/storage/library.ts', import.meta.url)}'
  try { openLibrary(process.argv[1]); console.log('opened') } catch (error) { console.log(error.name) }
`

test('Only one process holds a library at a time.', t => {
  const { library, file } = fixture(t)
  const another = () =>
    spawnSync(process.execPath, ['--input-type=module', '-e', openInAnother, file], { encoding: 'utf8' }).stdout.trim()
  t.is(another(), 'LibraryInUse')
  t.throws(() => openLibrary(file), { instanceOf: LibraryInUse, code: 'library-in-use' })
  t.is(another(), 'LibraryInUse')
  library.close()
  t.is(another(), 'opened')
})

test('Everything recorded before a kill -9 survives it, and nothing is half recorded.', async t => {
  const { library, file, reopen } = fixture(t)
  library.createDownload(downloadOf({ manifest: manifest('film', 2048 * mib) }))
  library.close()
  const child = spawn(process.execPath, [new URL('../helpers/library-child.ts', import.meta.url).pathname, file])
  t.teardown(() => child.kill('SIGKILL'))
  let said = ''
  child.stderr.on('data', data => {
    said += data
  })
  let last = -1
  for await (const line of createInterface({ input: child.stdout })) {
    last = Number(line)
    if (last === 200) child.kill('SIGKILL')
  }
  if (child.exitCode === null && child.signalCode === null) await once(child, 'exit')
  t.true(
    last >= 200,
    `the child recorded ${last + 1} pieces and ended with ${child.exitCode ?? child.signalCode}: ${said}`,
  )
  const { verified, fetchedBytes, deliveries } = reopen().download(1)!
  const { count } = verified
  t.true(count > last)
  for (let piece = 0; piece < count; piece += 1) t.true(verified.has(piece))
  t.is(fetchedBytes, 10 * count)
  t.deepEqual(deliveries, [{ ...bob, pieces: count, bytes: 10 * count, via: 'direct' }])
})

test('A file that is not a library causes a clear error and stays as it is.', t => {
  const folder = tempFolder(t)
  const text = join(folder, 'text')
  writeFileSync(text, 'these are my notes, and long enough for a header of one hundred bytes. '.repeat(20))
  const foreign = join(folder, 'foreign')
  const database = new Database(foreign)
  database.exec('CREATE TABLE theirs (x)')
  database.close()
  for (const file of [text, foreign]) {
    const before = readFileSync(file)
    t.throws(() => openLibrary(file), { instanceOf: LibraryUnusable, code: 'library-unusable' })
    t.deepEqual(readFileSync(file), before)
  }
})

test('A damaged library causes a clear error and stays as it is.', t => {
  const { library, file } = fixture(t)
  for (let index = 0; index < 50; index += 1) library.createDownload(downloadOf({ name: `film ${index}` }))
  library.close()
  const damaged = readFileSync(file)
  damaged.fill(0xa5, 4096 * 2)
  writeFileSync(file, damaged)
  t.throws(() => openLibrary(file), { instanceOf: LibraryUnusable, message: /is damaged/ })
  t.deepEqual(readFileSync(file), damaged)
})

test('There are no limits until they are set, and the last ones set are kept.', t => {
  const { library, reopen } = fixture(t)
  t.deepEqual(library.limits(), { up: null, down: null, connections: null })
  library.saveLimits({ up: 2 * mib, down: null, connections: 20 })
  t.deepEqual(reopen().limits(), { up: 2 * mib, down: null, connections: 20 })
  const again = reopen()
  again.saveLimits({ up: null, down: 500_000, connections: 20 })
  t.deepEqual(again.limits(), { up: null, down: 500_000, connections: 20 })
})

/** The fourth version lacked them. */
const dropIndexes = [
  'shares_of_manifest',
  'shares_at',
  'shares_unsettled',
  'downloads_of_manifest',
  'downloads_unfinished',
]
  .map(name => `DROP INDEX ${name}`)
  .join(';')

test('A library of the first version keeps its contents and can store limits.', t => {
  const { library, file, reopen } = fixture(t)
  library.saveShare('alice', shareOf())
  library.createDownload(downloadOf())
  library.close()
  const database = new Database(file)
  database.exec(`${dropIndexes}; DROP TABLE logs; DROP TABLE limits; ALTER TABLE downloads DROP COLUMN made_part`)
  database.pragma('user_version = 1')
  database.close()
  const opened = reopen()
  t.deepEqual(opened.shares('alice'), [shareOf()])
  t.is(opened.downloads('alice').length, 1)
  opened.saveLimits({ up: mib, down: mib, connections: null })
  t.deepEqual(reopen().limits(), { up: mib, down: mib, connections: null })
})

test('A download of an earlier version that has fetched bytes owns its part file.', t => {
  const { library, file, reopen } = fixture(t)
  for (const name of ['film', 'other']) library.createDownload(downloadOf({ name }))
  library.recordPiece(2, 0, bob, 'direct', 100)
  library.close()
  const database = new Database(file)
  database.exec(`${dropIndexes}; ALTER TABLE downloads DROP COLUMN made_part`)
  database.pragma('user_version = 3')
  database.close()
  t.deepEqual(
    reopen()
      .downloads('alice')
      .map(({ madePart }) => madePart),
    [false, true],
  )
})

test('A download that an earlier version was killed while creating is left out, and its number is not used again.', t => {
  const { library, file, reopen } = fixture(t)
  library.createDownload(downloadOf())
  library.close()
  const database = new Database(file)
  // The first of the two transactions in which that version created a download.
  database.exec(`
    INSERT INTO downloads (user, group_name, name, destination, part, overwrite, state, created_at)
    VALUES ('alice', 'g', 'other', '/home/other', '/home/other.part', 0, 'cancelled', 1);
    INSERT INTO progress (download) VALUES (2)`)
  database.close()
  const opened = reopen()
  t.deepEqual(
    opened.downloads('alice').map(({ id }) => id),
    [1],
  )
  t.is(opened.download(2), undefined)
  t.throws(() => opened.changeDownload(2, { state: 'queued' }), { instanceOf: RangeError })
  t.throws(() => opened.recordPiece(2, 0, bob, 'direct', 1), { instanceOf: RangeError })
  opened.saveShare('alice', shareOf())
  opened.removeShare('alice', 'g', 'film')
  t.deepEqual(opened.download(1)!.manifest, film, 'what is no longer used is still told from what is')
  t.is(opened.createDownload(downloadOf({ name: 'other' })).id, 3)
})

test('Creating a download stores all of it or nothing.', t => {
  const { library, file, reopen } = fixture(t)
  library.close()
  const database = new Database(file)
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON progress BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`)
  database.close()
  const again = reopen()
  t.throws(() => again.createDownload(downloadOf()), { instanceOf: LibraryFailed })
  again.close()
  const after = new Database(file, { readonly: true })
  const rows = (table: string) => after.prepare(`SELECT count(*) FROM ${table}`).pluck().get()
  t.deepEqual([rows('manifests'), rows('downloads'), rows('progress')], [0, 0, 0])
  after.close()
})

test('A library of a later version is left alone.', t => {
  const { library, file } = fixture(t)
  library.close()
  const database = new Database(file)
  database.pragma('user_version = 1000')
  database.close()
  t.throws(() => openLibrary(file), { instanceOf: LibraryUnusable, message: /later version/ })
})

test('A library that cannot be written throws LibraryFailed with the cause.', t => {
  const { library, file } = fixture(t)
  library.close()
  const database = new Database(file)
  database.exec(`CREATE TRIGGER refuse BEFORE INSERT ON downloads BEGIN SELECT RAISE(ABORT, 'disk I/O error'); END`)
  database.close()
  const again = openLibrary(file)
  const error = t.throws(() => again.createDownload(downloadOf()), {
    instanceOf: LibraryFailed,
    code: 'library-failed',
  })
  t.true(error?.cause instanceof Database.SqliteError)
  again.close()
})
