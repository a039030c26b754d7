// One fair peer and one that floods, crawls or idles, at the same device: the fair one gets its file.

import { setTimeout as delay } from 'node:timers/promises'
import test from 'ava'
import { peerTunables } from '../../../config/swarm.ts'
import { uploadsStatus } from '../../../src/machines/uploads.ts'
import { encodeFrame } from '../../../src/wire/frame-codecs.ts'
import type { Frame } from '../../../src/wire/frames.ts'
import { type RawFetcher, startRawFetcher } from '../../helpers/raw-peer.ts'
import { bob, fetchAll, offerOf, sharedBytes, startServer } from '../../helpers/swarm.ts'

const mib = 1024 * 1024
const carol = { user: 'carol', device: 'cccccccccccc' }
const { blockBytes } = peerTunables

/** Asks for the first block of the file, and again whenever it has come; takes it in, or not. */
async function keepAsking(fetcher: RawFetcher) {
  for (let blocks = 1; !fetcher.socket.destroyed; blocks++) {
    for (let offset = 0; offset < mib / 2; offset += blockBytes)
      fetcher.send({ type: 'request', piece: 0, offset, length: blockBytes })
    await Promise.race([fetcher.arrived((blocks * mib) / 2), fetcher.closed])
  }
}

/** Writes the same over and over, as fast as it is taken. */
const flood = ({ socket }: RawFetcher, bytes: Buffer) => {
  const next = (error?: Error | null) => void (error || socket.destroyed || socket.write(bytes, next))
  next()
}

const many = (frame: Frame) => Buffer.concat(Array.from({ length: 1_000 }, () => encodeFrame(frame)))
const hostiles: readonly (readonly [what: string, act: (fetcher: RawFetcher) => unknown])[] = [
  ['sends noise', fetcher => flood(fetcher, Buffer.alloc(mib, 0x55))],
  ['floods requests', fetcher => flood(fetcher, many({ type: 'request', piece: 1, offset: 0, length: blockBytes }))],
  ['floods cancels', fetcher => flood(fetcher, many({ type: 'cancel', piece: 1, offset: 0, length: blockBytes }))],
  ['sends a TLS record a byte', fetcher => flood(fetcher, encodeFrame({ type: 'have', piece: 0 }).subarray(0, 1))],
  ['asks on and on', keepAsking],
  [
    'asks on and takes nothing in',
    fetcher => {
      fetcher.socket.pause()
      keepAsking(fetcher)
    },
  ],
  ['holds its connection open', () => {}],
]
for (const [what, act] of hostiles)
  test.serial(`A fair peer gets its file beside a peer that ${what}.`, async t => {
    const file = sharedBytes(8 * mib)
    await using server = await startServer()
    server.uploads.send({ type: 'offer.added', offer: offerOf(file) })
    using hostile = await startRawFetcher(server.peerFor(carol, file.share), file.manifest, carol)
    await hostile.next('bitfield')
    hostile.next('bye').then(() => hostile.socket.destroy())
    act(hostile)
    const { bytes } = await fetchAll(server.peerFor(bob, file.share), file)
    t.true(bytes.equals(file.bytes))
    hostile.socket.destroy()
    while (uploadsStatus(server.uploads.getSnapshot()).sessions > 0) await delay(10)
  })
