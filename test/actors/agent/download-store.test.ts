// A download's file on a real disk, which others may lay hands on while it fills.

import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import test from 'ava'
import pino from 'pino'
import { type AnyActorRef, createActor, fromCallback } from 'xstate'
import { createDownloadStore } from '../../../src/actors/agent/download-store.ts'
import { createOfferBook } from '../../../src/actors/agent/offer-book.ts'
import { createBufferPool } from '../../../src/actors/peer/buffer-pool.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import type { StoreEvent } from '../../../src/machines/download-protocol.ts'
import { type Fingerprint, fingerprintOf } from '../../../src/storage/fingerprint.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

test('A part file that vanished with its folder ends the download, and is not fetched over and over.', async t => {
  const folder = tempFolder(t)
  const films = join(folder, 'films')
  mkdirSync(films)
  const path = join(films, 'film.bin')
  const bytes = Buffer.from('the very file')
  const manifest = manifestOf('film.bin', bytes)
  const share = shareId('reef', manifest)
  const library = openLibrary(join(folder, 'library.db'))
  const names = { group: 'reef', name: 'film.bin', overwrite: false }
  const record = { ...names, user: 'alice', destination: path, part: `${path}.part`, createdAt: 0 }
  const { id } = library.addDownload({ ...record, state: 'cancelled' })
  library.locateDownload(id, share, manifest)
  const needs = {
    library,
    offers: createOfferBook(() => {}),
    keeper: { adopt() {} },
    peers: { buffers: createBufferPool(0) },
    log: pino({ level: 'silent' }),
  }
  const logic = createDownloadStore(needs)

  const outcome = await new Promise<StoreEvent>(resolve => {
    let store: AnyActorRef | undefined
    const parent = createActor(
      fromCallback<StoreEvent>(({ receive }) =>
        receive(event => {
          if (event.type === 'store.ready')
            store?.send({ type: 'piece.check', peer: 'bob.bbbbbbbbbbbb', via: 'direct', piece: 0, data: bytes })
          else if (event.type === 'piece.verified') {
            rmSync(films, { recursive: true })
            store?.send({ type: 'whole.check' })
          } else if (event.type === 'store.closed') library.close()
          else {
            resolve(event)
            store?.send({ type: 'store.close', discard: false })
          }
        }),
      ),
    ).start()
    store = createActor(logic, { input: { id, ...names, share, manifest, path }, parent }).start()
  })
  t.like(outcome, { type: 'store.failed', code: 'destination-unwritable' })
})

test('After a kill between a file’s two names it keeps the right one alone, and goes on under the fingerprint it has then.', async t => {
  const folder = tempFolder(t)
  const path = join(folder, 'film.bin')
  const bytes = Buffer.from('the very file')
  const manifest = manifestOf('film.bin', bytes)
  const share = shareId('reef', manifest)
  const library = openLibrary(join(folder, 'library.db'))
  t.teardown(() => library.close())
  const names = { group: 'reef', name: 'film.bin', overwrite: false }
  const record = { ...names, user: 'alice', destination: path, part: `${path}.part`, createdAt: 0 }
  const { id } = library.addDownload({ ...record, state: 'queued' })
  library.locateDownload(id, share, manifest)
  library.recordPiece(id, 0, { user: 'bob', device: 'bbbbbbbbbbbb' }, 'direct', bytes.length)
  writeFileSync(`${path}.part`, bytes)
  linkSync(`${path}.part`, path)
  const adopted: Fingerprint[] = []
  const logic = createDownloadStore({
    library,
    offers: createOfferBook(() => {}),
    keeper: { adopt: ({ fingerprint }) => void adopted.push(fingerprint) },
    peers: { buffers: createBufferPool(0) },
    log: pino({ level: 'silent' }),
  })
  const event = await new Promise<StoreEvent>(resolve => {
    const parent = createActor(fromCallback<StoreEvent>(({ receive }) => receive(resolve))).start()
    createActor(logic, { input: { id, ...names, share, manifest, path }, parent }).start()
  })
  t.is(event.type, 'store.there')
  t.false(existsSync(`${path}.part`))
  t.deepEqual(readFileSync(path), bytes)
  t.deepEqual(adopted, [fingerprintOf(await lstat(path, { bigint: true }))])
})
