import test from 'ava'
import { PieceCheck } from '../../../src/actors/agent/piece-check.ts'
import { done, type Outcome, refuse } from '../../../src/domain/refusal.ts'
import type { PieceFile } from '../../../src/storage/piece-file.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'

const peer = { user: 'bob', device: 'bbbbbbbbbbbb' }
const pieceLength = 512 * 1024
const bytes = Buffer.concat([Buffer.alloc(pieceLength, 'a'), Buffer.from('the end')])
const manifest = manifestOf('film.bin', bytes)

/** A check whose steps are written down in order. */
function openCheck(written: Outcome<void> = done(undefined), recordPiece?: () => void) {
  const steps: unknown[][] = []
  const check = new PieceCheck({
    id: 7,
    manifest,
    library: {
      recordPiece: recordPiece ?? ((...args) => void steps.push(['record', ...args])),
      recordWaste: (...args) => void steps.push(['waste', ...args]),
    },
    buffers: { give: buffer => void steps.push(['give', buffer.length]) },
  })
  const part = {
    write: async (piece: number, offset: number, data: Buffer) => {
      steps.push(['write', piece, offset, data.length])
      return written
    },
  } as unknown as PieceFile
  const take = (piece: number, data: Buffer) => check.take({ peer, via: 'relay', piece, data }, part)
  return { take, steps }
}

test('A right piece is written, then recorded, and only then gives its buffer back.', async t => {
  const { take, steps } = openCheck()
  t.like(await take(1, Buffer.from('the end')), { ok: true, value: { isRight: true } })
  t.deepEqual(steps, [
    ['write', 1, 0, 7],
    ['record', 7, 1, peer, 'relay', 7],
    ['give', 7],
  ])
})

test('A piece with wrong bytes, or the bytes of another piece, is waste and never written.', async t => {
  const { take, steps } = openCheck()
  for (const data of [Buffer.from('THE END'), bytes.subarray(0, pieceLength)])
    t.deepEqual(await take(1, data), done({ isRight: false } as const))
  t.deepEqual(steps, [
    ['waste', 7, 7],
    ['give', 7],
    ['waste', 7, pieceLength],
    ['give', pieceLength],
  ])
})

test('A piece that the disk does not take is not recorded.', async t => {
  const { take, steps } = openCheck(refuse('no-space', 'full'))
  t.like(await take(1, Buffer.from('the end')), { ok: false, code: 'no-space' })
  t.deepEqual(steps, [
    ['write', 1, 0, 7],
    ['give', 7],
  ])
})

test('A piece that the library cannot record still gives its buffer back.', async t => {
  const { take, steps } = openCheck(done(undefined), () => {
    throw new Error('disk I/O error')
  })
  await t.throwsAsync(take(1, Buffer.from('the end')), { message: 'disk I/O error' })
  t.deepEqual(steps.at(-1), ['give', 7])
})
