import test from 'ava'
import { uploadTunables } from '../../../config/swarm.ts'
import { PeerProtocol, type PeerProtocolHandler } from '../../../src/actors/swarm/peer-protocol.ts'
import { type Bitfield, createBitfield, fullBitfield } from '../../../src/domain/bitfield.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import { encodeBlockHeader, type Frame, FrameError } from '../../../src/wire/frames.ts'

const shape = { size: 20, pieceLength: 10 }
const nothing: Frame = { type: 'bitfield', have: createBitfield(2) }
const busy: Frame = { type: 'refused', piece: 0, offset: 0, why: 'busy' }
const gone: Frame = { type: 'refused', piece: 0, offset: 0, why: 'gone' }
const unchoke: Frame = { type: 'call' }
const fresh: Frame = { type: 'fresh', have: fullBitfield(2) }
const limit: Frame = { type: 'limit', bytesPerSecond: 7 }

function start() {
  const heard: string[] = []
  const note =
    (name: string) =>
    (...args: unknown[]) =>
      void heard.push([name, ...args.filter(each => typeof each !== 'object')].join(' '))
  const handler: PeerProtocolHandler = {
    onBitfield: note('bitfield'),
    onHave: note('have'),
    onRefused: note('refused'),
    onUnchoked: note('unchoked'),
    onFresh: note('fresh'),
    onLimit: note('limit'),
    onBye: note('bye'),
  }
  const target = Buffer.alloc(10)
  const protocol = new PeerProtocol(shape, handler, {
    blockTarget: ({ offset, length }) => target.subarray(offset, offset + length),
    onBlockBytes: note('bytes'),
    onBlock: ({ piece, offset, length }) => note('block')(piece, offset, length),
  })
  const hear = (...frames: Frame[]) => protocol.write(Buffer.concat(frames.map(frame => encodeFrame(frame))))
  return { protocol, heard, hear, target }
}

test('A peer’s frames reach the handler in order.', t => {
  const { hear, heard } = start()
  hear(nothing, { type: 'have', piece: 1 }, busy, fresh, unchoke, limit, { type: 'bye', retry: true, reason: 'later' })
  t.deepEqual(heard, ['bitfield', 'have 1', 'refused 0 0 busy', 'fresh', 'unchoked', 'limit 7', 'bye later true'])
})

test('The bytes of a block go straight to their sink.', t => {
  const { protocol, hear, heard, target } = start()
  hear(nothing)
  protocol.write(Buffer.concat([encodeBlockHeader({ piece: 1, offset: 4, length: 3 }), Buffer.from('abc')]))
  t.is(target.toString('latin1', 4, 7), 'abc')
  t.deepEqual(heard.slice(1), ['bytes 3', 'block 1 4 3'])
})

test('The set handed over with the bitfield grows with each announcement.', t => {
  let have = createBitfield(2)
  const ignore = () => {}
  const onBitfield = (given: Bitfield) => {
    have = given
  }
  const handler = { onHave: ignore, onRefused: ignore, onUnchoked: ignore, onFresh: ignore, onLimit: ignore }
  const protocol = new PeerProtocol(
    shape,
    { ...handler, onBye: ignore, onBitfield },
    { blockTarget: () => undefined, onBlockBytes: ignore, onBlock: ignore },
  )
  protocol.write(encodeFrame(nothing))
  protocol.write(encodeFrame({ type: 'have', piece: 1 }))
  t.deepEqual([have.has(0), have.has(1)], [false, true])
})

const breaches: readonly (readonly [what: string, frames: readonly Frame[]])[] = [
  ['anything before the bitfield', [{ type: 'have', piece: 0 }]],
  ['a second bitfield', [nothing, nothing]],
  ['a piece announced twice', [nothing, { type: 'have', piece: 0 }, { type: 'have', piece: 0 }]],
  ['an unchoke before any refusal', [nothing, unchoke]],
  ['an unchoke after a refusal for another reason', [nothing, gone, unchoke]],
  ['two unchokes for one refusal', [nothing, busy, unchoke, unchoke]],
  ['fresh pieces twice in a row', [nothing, fresh, fresh]],
  ['a limit that changes all the time', [nothing, ...Array<Frame>(uploadTunables.limitsTold + 1).fill(limit)]],
]
for (const [what, frames] of breaches)
  test(`A peer breaks the protocol by ${what}.`, t => {
    const { hear } = start()
    hear(...frames.slice(0, -1))
    t.throws(() => hear(frames.at(-1)!), { instanceOf: FrameError })
  })

test('Fresh pieces may be announced again after a refusal and after an unchoke.', t => {
  const { hear, heard } = start()
  hear(nothing, busy, fresh, gone, fresh, unchoke, fresh)
  t.is(heard.filter(each => each === 'fresh').length, 3)
})

test('A peer may say goodbye before its bitfield.', t => {
  const { hear, heard } = start()
  hear({ type: 'bye', retry: false, reason: 'no' })
  t.deepEqual(heard, ['bye no false'])
})

test('A stopped protocol passes nothing on.', t => {
  const { protocol, hear, heard } = start()
  hear(nothing)
  protocol.stop()
  hear(busy)
  t.deepEqual(heard, ['bitfield'])
})
