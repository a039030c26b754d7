import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { WholeFileCheck } from '../../../src/actors/agent/whole-file-check.ts'
import { createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const pieceLength = 512 * 1024
const bytes = Buffer.concat([Buffer.alloc(pieceLength, 'a'), Buffer.alloc(pieceLength, 'b'), Buffer.from('the end')])
const manifest = manifestOf('film.bin', bytes)

function openCheck(t: ExecutionContext, content: Buffer, followFromBytes: number) {
  const path = join(tempFolder(t), 'film.bin.part')
  writeFileSync(path, content)
  const closing = new AbortController()
  const check = new WholeFileCheck(path, manifest, closing.signal, { followFromBytes, expectedAtPieces: 0 })
  t.teardown(async () => {
    closing.abort()
    await check.settled()
  })
  return { path, check, closing }
}

const wrong = Buffer.from(bytes)
wrong[pieceLength] = 0

for (const [when, followFromBytes] of [
  ['while it fills', 1],
  ['at the end', Number.POSITIVE_INFINITY],
] as const)
  test.serial(`A file hashed ${when} is right only if all of its bytes are.`, async t => {
    for (const [content, isRight] of [
      [bytes, true],
      [wrong, false],
    ] as const) {
      const { check } = openCheck(t, content, followFromBytes)
      const have = createBitfield(3)
      for (const piece of [0, 2, 1]) {
        have.add(piece)
        check.pieceAdded(have)
      }
      t.is(await check.isRight(), isRight)
    }
  })

test.serial('Bytes hashed too early are detected by reading the whole file again.', async t => {
  const { path, check } = openCheck(t, wrong, 1)
  check.advance(fullBitfield(3))
  await check.settled()
  writeFileSync(path, bytes)
  t.true(await check.isRight())
})

test.serial('After a wrong result the check starts again from the beginning.', async t => {
  const { path, check } = openCheck(t, wrong, 1)
  check.advance(fullBitfield(3))
  t.false(await check.isRight())
  writeFileSync(path, bytes)
  check.advance(fullBitfield(3))
  t.true(await check.isRight())
})

test.serial('An aborted check settles while the file still fills.', async t => {
  const { check, closing } = openCheck(t, bytes, 1)
  const have = createBitfield(3)
  have.add(0)
  check.advance(have)
  closing.abort()
  await check.settled()
  await t.throwsAsync(check.isRight(), { name: 'AbortError' })
})
