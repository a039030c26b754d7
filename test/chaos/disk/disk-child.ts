// The process that failing-disk.test.ts runs on a failing disk: does what its first argument says in the folder of its
// second, and prints the outcome as JSON.

import { createHash } from 'node:crypto'
import { existsSync, readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import pino from 'pino'
import { type AnyActorRef, createActor, fromCallback } from 'xstate'
import { createDownloadStore } from '../../../src/actors/agent/download-store.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { openHome } from '../../../src/actors/device/home.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { fullBitfield } from '../../../src/domain/bitfield.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import type { StoreCommand, StoreEvent } from '../../../src/machines/download-protocol.ts'
import { hashFile, recheckPieces, verifyFile } from '../../../src/storage/hashing.ts'
import { again } from '../../../src/storage/interruption.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { openPieceFile } from '../../../src/storage/piece-file.ts'
import { granted } from '../../helpers/granted.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'

const [, , what = '', root = ''] = process.argv
const own = join(root, 'own', 'film.bin')
const folder = join(root, 'downloads')
const codeOf = (error: unknown) => (error as NodeJS.ErrnoException).code ?? String(error)

const works: Record<string, () => unknown> = {
  /** A download by its store alone: written, read, named, hashed. */
  async whole() {
    const data = again(() => readFileSync(own))
    const manifest = manifestOf('film.bin', data)
    const part = granted(await openPieceFile(join(folder, 'film.bin.part'), manifest, 'fresh'))
    const { pieceLength, size } = manifest
    for (let at = 0; at < size; at += 64 * 1024)
      granted(await part.write(Math.floor(at / pieceLength), at % pieceLength, data.subarray(at, at + 64 * 1024)))
    // Often enough that some calls are interrupted.
    const read = Array.from({ length: 60 }, () => Buffer.alloc(50))
    for (let at = 0; at < 60; at += 2) await part.read(1, 7 + at * 50, read.slice(at, at + 2))
    const verified = await recheckPieces(part.path, manifest, fullBitfield(Math.ceil(size / pieceLength)))
    granted(await part.finish(join(folder, 'film.bin'), { overwrite: false }))
    granted(await verifyFile(join(folder, 'film.bin'), manifest))
    await part.close()
    return {
      isRead: Buffer.concat(read).equals(data.subarray(pieceLength + 7, pieceLength + 3007)),
      isVerified: verified.isFull(),
      hashed: granted(await hashFile(own)).sha1 === createHash('sha1').update(data).digest('hex'),
      seen: openHome(join(root, 'home')).seen(),
    }
  },
  home: () => openHome(join(root, 'home')).device(),
  library: () => openLibrary(join(root, 'home', 'library.db')).downloads('alice').length,
  add() {
    const library = openLibrary(join(root, 'home', 'library.db'))
    const manifest = manifestOf('film', Buffer.from('the film'))
    const file = { group: 'g', name: 'film', share: shareId('g', manifest), manifest }
    const names = { ...file, user: 'alice', overwrite: false, createdAt: 0 }
    for (let n = 0; n < 100; n += 1) library.createDownload({ ...names, destination: `/${n}`, part: `/${n}.part` })
  },
  async name() {
    const part = granted(await openPieceFile(join(folder, 'x.part'), { size: 10, pieceLength: 10 }, 'resume'))
    const named = await part.finish(join(folder, 'x'), { overwrite: false })
    return { named: named.ok ? 'named' : named.code, isThere: existsSync(join(folder, 'x')) }
  },
  /** Runs a download of one piece to its end: a new one, or the one that an earlier run left. */
  async download() {
    const data = readFileSync(own)
    const manifest = manifestOf('film.bin', data)
    const file = { group: 'reef', name: 'film.bin', share: shareId('reef', manifest), overwrite: false }
    const path = join(folder, 'film.bin')
    const library = openLibrary(join(root, 'home', 'library.db'))
    const begin = () => {
      const record = { ...file, user: 'alice', manifest, destination: path, part: `${path}.part`, createdAt: 0 }
      return library.createDownload(record).id
    }
    const id = library.downloads('alice')[0]?.id ?? begin()
    const logic = createDownloadStore({
      library,
      offers: createOfferTable(() => {}),
      shareRegistry: { adopt() {} },
      peers: { buffers: createBufferPool(0) },
      log: pino({ level: 'silent' }),
    })
    const answers = (event: StoreEvent): StoreCommand | undefined => {
      if (event.type === 'store.ready' && !event.have.isFull())
        return { type: 'piece.check', peer: 'bob.bbbbbbbbbbbb', via: 'direct', piece: 0, data }
      if (event.type === 'store.ready' || event.type === 'piece.verified') return { type: 'whole.check' }
      return event.type === 'whole.right' ? { type: 'file.finish' } : undefined
    }
    return new Promise(resolve => {
      let store: AnyActorRef | undefined
      const parent = createActor(
        fromCallback<StoreEvent>(({ receive }) =>
          receive(event => {
            const answer = answers(event)
            if (answer) store?.send(answer)
            else resolve(event.type === 'store.failed' ? event.code : event.type)
          }),
        ),
      ).start()
      store = createActor(logic, { input: { ...file, id, manifest, path }, parent }).start()
    })
  },
}

let said: unknown
try {
  said = { value: await works[what]!() }
} catch (error) {
  said = { failed: codeOf(error) }
}
process.stdout.write(`${JSON.stringify({ ...(said as object), home: readdirSync(join(root, 'home')).sort() })}\n`)
