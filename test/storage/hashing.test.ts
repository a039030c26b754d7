import { randomBytes } from 'node:crypto'
import { appendFile, link, open, truncate, unlink, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { hashingTunables } from '../../config/storage.ts'
import { createBitfield, fullBitfield } from '../../src/domain/bitfield.ts'
import { checkManifest, type Manifest, maxFileBytes, pieceHashes } from '../../src/domain/manifest.ts'
import { fingerprintOf } from '../../src/storage/fingerprint.ts'
import { followFile, hashFile, recheckPieces, verifyFile, verifyPiece } from '../../src/storage/hashing.ts'
import { manifestOf } from '../helpers/manifest-of.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const kib = 1024
const pieceLength = 512 * kib

async function fileOf(t: ExecutionContext, data: Buffer): Promise<string> {
  const path = join(tempFolder(t), 'file')
  await writeFile(path, data)
  return path
}

const sizes = { empty: 0, 'of one byte': 1, 'of one piece': pieceLength, 'a byte above a piece': pieceLength + 1 }
for (const [what, size] of Object.entries({ ...sizes, 'longer than the ring, and no whole pieces': 9_700_001 }))
  test(`A file ${what} gets the right hashes and a valid manifest.`, async t => {
    const data = randomBytes(size)
    const path = await fileOf(t, data)
    const hashed = await hashFile(path)
    if (!hashed.ok) return t.fail(hashed.message)
    const { fingerprint, ...rest } = hashed.value
    t.deepEqual({ name: 'x', ...rest }, manifestOf('x', data))
    t.true(checkManifest({ name: 'x', ...rest }).ok)
    const file = await open(path)
    t.deepEqual(fingerprint, fingerprintOf(await file.stat({ bigint: true })))
    await file.close()
  })

test('Pieces longer than a read, and even than the ring, get the same hashes.', async t => {
  const data = randomBytes(21_000_001)
  const path = await fileOf(t, data)
  for (const pieces of [4, 32]) {
    const hashed = await hashFile(path, { pieceLength: pieces * pieceLength })
    if (!hashed.ok) return t.fail(hashed.message)
    const { fingerprint: _, ...rest } = hashed.value
    const manifest = manifestOf('x', data, pieces * pieceLength)
    t.deepEqual({ name: 'x', ...rest }, manifest)
    t.true((await recheckPieces(path, manifest, fullBitfield(Math.ceil(data.length / manifest.pieceLength)))).isFull())
  }
})

const manifestSha1 = (data: Buffer) => manifestOf('x', data).sha1

test('Progress is reported up to the whole file.', async t => {
  const path = await fileOf(t, randomBytes(4 * pieceLength))
  const seen: number[] = []
  await hashFile(path, { onProgress: (hashedBytes, size) => seen.push(hashedBytes / size) })
  t.deepEqual(seen, seen.toSorted())
  t.is(seen.at(-1), 1)
})

test('A file that grows while it is hashed is refused.', async t => {
  const path = await fileOf(t, Buffer.alloc(64 * pieceLength))
  const writing = new AbortController()
  const keepWriting = (async () => {
    while (!writing.signal.aborted) await appendFile(path, 'more')
  })()
  const hashed = await hashFile(path)
  writing.abort()
  await keepWriting
  t.false(hashed.ok)
  if (!hashed.ok) t.is(hashed.code, 'file-unreadable')
})

test('A folder and a missing file are refused.', async t => {
  const folder = tempFolder(t)
  for (const path of [folder, join(folder, 'missing')]) {
    const hashed = await hashFile(path)
    t.false(hashed.ok)
    if (!hashed.ok) t.is(hashed.code, 'file-unreadable')
  }
})

test('A file that is too large is refused before it is read.', async t => {
  const path = await fileOf(t, Buffer.alloc(0))
  const isPossible = await truncate(path, maxFileBytes + 1).then(
    () => true,
    () => false,
  )
  if (!isPossible) return t.pass('this file system has no such files')
  const hashed = await hashFile(path)
  t.false(hashed.ok)
  if (!hashed.ok) t.is(hashed.code, 'file-unreadable')
})

test('Aborted hashing ends at once, with the signal’s reason.', async t => {
  const path = join(tempFolder(t), 'huge')
  await writeFile(path, '')
  await truncate(path, 2 ** 40)
  const reason = new Error('logged out')
  const controller = new AbortController()
  const running = hashFile(path, { signal: controller.signal, onProgress: () => controller.abort(reason) })
  t.is(await t.throwsAsync(running), reason)
  t.is(await t.throwsAsync(hashFile(path, { signal: controller.signal })), reason)
})

test('Hashing does not block the event loop.', async t => {
  const path = join(tempFolder(t), 'file')
  await writeFile(path, '')
  await truncate(path, 2 ** 27)
  let turns = 0
  const counting = setInterval(() => {
    turns += 1
  }, 1)
  await hashFile(path)
  clearInterval(counting)
  t.true(turns > 20, `only ${turns} turns`)
})

test('A whole file is verified by both hashes and its size.', async t => {
  const data = randomBytes(3 * pieceLength + 5)
  const path = await fileOf(t, data)
  const manifest = manifestOf('x', data)
  t.true((await verifyFile(path, manifest)).ok)
  const wrong = [{ sha1: '0'.repeat(40) }, { sha256: '0'.repeat(64) }, { size: data.length - 1 }]
  for (const change of wrong) {
    const verified = await verifyFile(path, { ...manifest, ...change })
    t.false(verified.ok)
    if (!verified.ok) t.is(verified.code, 'integrity')
  }
})

test('A file with extra bytes after the right ones is wrong.', async t => {
  const data = randomBytes(10)
  const path = await fileOf(t, Buffer.concat([data, Buffer.from('more')]))
  t.false((await verifyFile(path, manifestOf('x', data))).ok)
})

const never = new AbortController().signal

test.serial(
  'A followed file is read as far as it has been written, and verified by both hashes and its size.',
  async t => {
    const data = randomBytes(12 * pieceLength + 5)
    const path = await fileOf(t, Buffer.alloc(data.length))
    const manifest = manifestOf('x', data)
    const outcomeOf = async (manifest: Manifest) => {
      const followed = followFile(path, manifest, never)!
      const file = await open(path, 'r+')
      for (const bytes of [0, 1, pieceLength, 11 * pieceLength - 1, 12 * pieceLength, data.length]) {
        await file.write(data.subarray(0, bytes), 0, bytes, 0)
        followed.grewTo(bytes)
      }
      await file.close()
      return followed.isRight
    }
    t.true(await outcomeOf(manifest))
    t.false(await outcomeOf({ ...manifest, sha1: '0'.repeat(40) }))
    t.false(await outcomeOf({ ...manifest, sha256: '0'.repeat(64) }))
    await appendFile(path, 'more')
    t.false(await outcomeOf(manifest))
    await truncate(path, pieceLength)
    const shortened = followFile(path, manifest, never)!
    shortened.grewTo(data.length)
    t.false(await shortened.isRight)
    await unlink(path)
    t.false(await followFile(path, manifest, never)!.isRight)
  },
)

test.serial('The number of followed files is limited, and an aborted one makes room.', async t => {
  const data = Buffer.alloc(2 * pieceLength)
  const path = await fileOf(t, data)
  const closing = new AbortController()
  const followed = Array.from({ length: hashingTunables.mostFollowed }, () =>
    followFile(path, manifestOf('x', data), closing.signal),
  )
  t.true(followed.every(one => one !== undefined))
  t.is(followFile(path, manifestOf('x', data), never), undefined)
  closing.abort()
  t.deepEqual(await Promise.all(followed.map(one => one!.isRight)), [false, false])
  const next = followFile(path, manifestOf('x', data), never)
  next?.grewTo(data.length)
  t.true(await next?.isRight)
})

test('A truncated piece is wrong, even if the bytes read before it look like its end.', async t => {
  const data = Buffer.alloc(3 * pieceLength)
  const path = await fileOf(t, data.subarray(1))
  const right = await recheckPieces(path, manifestOf('x', data), fullBitfield(3))
  t.deepEqual([0, 1, 2].filter(right.has), [0, 1])
})

test('A recheck finds exactly the right pieces among those claimed.', async t => {
  const data = randomBytes(5 * pieceLength + 9)
  const path = await fileOf(t, data)
  const manifest = manifestOf('x', data)
  t.true((await recheckPieces(path, manifest, fullBitfield(6))).isFull())
  const file = await open(path, 'r+')
  await file.write('altered', 2 * pieceLength + 7)
  await file.truncate(data.length - 1)
  await file.close()
  const claimed = fullBitfield(6)
  claimed.remove(4)
  const right = await recheckPieces(path, manifest, claimed)
  t.deepEqual([0, 1, 2, 3, 4, 5].filter(right.has), [0, 1, 3])
})

test('No piece of a missing part file is right, and an empty file has none.', async t => {
  const data = randomBytes(10)
  const path = await fileOf(t, data)
  const other = `${path}.other`
  await link(path, other)
  await unlink(path)
  t.is((await recheckPieces(path, manifestOf('x', data), fullBitfield(1))).count, 0)
  t.is((await recheckPieces(other, manifestOf('x', data), fullBitfield(1))).count, 1)
  t.is((await recheckPieces(other, manifestOf('x', Buffer.alloc(0)), createBitfield(0))).count, 0)
})

test('An arrived piece is right only if all of its bytes are.', async t => {
  for (const size of [1, pieceLength, 5 * 1024 * kib + 3]) {
    const data = randomBytes(size)
    const expected = Buffer.from(manifestSha1(data), 'hex')
    t.true(await verifyPiece(data, expected))
    data[size - 1]! ^= 1
    t.false(await verifyPiece(data, expected))
    t.false(await verifyPiece(data.subarray(1), expected))
  }
})

test('Arrived pieces match the hashes of a manifest made by hashing the file.', async t => {
  const data = randomBytes(2 * pieceLength)
  const hashed = await hashFile(await fileOf(t, data))
  if (!hashed.ok) return t.fail(hashed.message)
  const hashes = pieceHashes({ name: 'x', ...hashed.value })
  t.true(await verifyPiece(data.subarray(pieceLength), hashes.subarray(20, 40)))
  t.false(await verifyPiece(data.subarray(pieceLength), hashes.subarray(0, 20)))
})
