import test from 'ava'
import fc from 'fast-check'
import {
  checkManifest,
  type Manifest,
  maxFileBytes,
  pieceCount,
  pieceHashes,
  pieceLengthFor,
  pieceSize,
  sha1Bytes,
  shareId,
} from '../../src/domain/manifest.ts'
import { refuse } from '../../src/domain/refusal.ts'
import { manifestOf } from '../helpers/manifest-of.ts'

const kib = 1024
const gib = 1024 ** 3

test('Pieces have 512 KiB for files up to 2 GiB, and double beyond that so that there are at most 4,096.', t => {
  t.is(pieceLengthFor(0), 512 * kib)
  t.is(pieceLengthFor(gib), 512 * kib)
  t.is(pieceLengthFor(2 * gib), 512 * kib)
  t.is(pieceLengthFor(2 * gib + 1), 1024 * kib)
  t.is(pieceLengthFor(maxFileBytes), gib)
})

test('The pieces of any file cover it exactly.', t => {
  fc.assert(
    fc.property(
      fc.oneof(fc.nat(), fc.maxSafeNat()).filter(size => size <= maxFileBytes),
      size => {
        const pieceLength = pieceLengthFor(size)
        const count = pieceCount({ size, pieceLength })
        if (size === 0) return count === 0
        const last = pieceSize({ size, pieceLength }, count - 1)
        return count <= 4096 && last >= 1 && last <= pieceLength && (count - 1) * pieceLength + last === size
      },
    ),
  )
  t.pass()
})

const data = Buffer.alloc(1024 * kib + 5, 'x')
const manifest = manifestOf('file', data)

test('A sound manifest passes unchanged, even that of an empty file.', t => {
  t.deepEqual(checkManifest(manifest), { ok: true, value: manifest })
  t.true(checkManifest(manifestOf('empty', Buffer.alloc(0))).ok)
  t.is(pieceHashes(manifest).length, 60)
})

const base64 = (bytes: number) => Buffer.alloc(bytes).toString('base64')
const contradictions: Record<string, Partial<Manifest>> = {
  'a negative size': { size: -1 },
  'a size that is no number': { size: Number.NaN },
  'a size that is no whole number': { size: 0.5, pieces: base64(20) },
  'a size beyond the largest file': { size: 2 * maxFileBytes },
  'a size beyond exact numbers': { size: 2 ** 60 },
  'a SHA-1 in capitals': { sha1: 'A'.repeat(40) },
  'a short SHA-1': { sha1: 'a'.repeat(39) },
  'a SHA-1 with a newline': { sha1: `${'a'.repeat(40)}\n` },
  'a SHA-256 that is none': { sha256: 'g'.repeat(64) },
  'a piece length of its own choice': { pieceLength: 256 * kib, pieces: base64(100) },
  'a piece length of zero': { pieceLength: 0 },
  'a hash too few': { pieces: base64(40) },
  'a hash too many': { pieces: base64(80) },
  'half a hash': { pieces: base64(50) },
  'hashes that are no base64': { pieces: `${manifest.pieces.slice(0, -1)}!` },
  'hashes in another base64': { pieces: Buffer.alloc(60, 0xff).toString('base64url') },
  'hashes with blanks between': { pieces: `${manifest.pieces.slice(0, 40)} ${manifest.pieces.slice(40)}` },
}
for (const [what, change] of Object.entries(contradictions))
  test(`A manifest with ${what} is refused.`, t => {
    const checked = checkManifest({ ...manifest, ...change })
    t.false(checked.ok)
    if (!checked.ok) t.is(checked.code, 'integrity')
  })

test('A size out of range is refused even if the rest of the manifest fits it.', t => {
  for (const size of [-1, 0.5, maxFileBytes + 1, 2 * maxFileBytes, Number.MAX_SAFE_INTEGER + 1]) {
    const pieceLength = pieceLengthFor(size)
    const pieces = base64(sha1Bytes * Math.max(0, pieceCount({ size, pieceLength })))
    const checked = checkManifest({ ...manifest, size, pieceLength, pieces })
    t.deepEqual(checked, refuse('integrity', 'this manifest is not usable: its size is out of range'), `${size}`)
  }
  const pieceLength = pieceLengthFor(maxFileBytes)
  const pieces = base64(sha1Bytes * pieceCount({ size: maxFileBytes, pieceLength }))
  t.true(checkManifest({ ...manifest, size: maxFileBytes, pieceLength, pieces }).ok)
})

test('A manifest is refused if its name leads to another folder.', t => {
  for (const name of ['../file', '/file', '', 'a\u001b']) {
    const checked = checkManifest({ ...manifest, name })
    t.false(checked.ok)
    if (!checked.ok) t.is(checked.code, 'invalid-name')
  }
})

test('A share’s id names the group and everything about the file.', t => {
  const id = shareId('g', manifest)
  t.regex(id, /^[0-9a-f]{32}$/)
  t.is(shareId('g', { ...manifest }), id)
  const others = [
    shareId('h', manifest),
    ...Object.entries({
      name: 'other',
      size: 7,
      sha1: 'b'.repeat(40),
      sha256: 'b'.repeat(64),
      pieceLength: 1,
      pieces: '',
    }).map(([field, value]) => shareId('g', { ...manifest, [field]: value })),
  ]
  t.is(new Set([id, ...others]).size, 8)
})
