// A download's file on a real disk, where other programs may change it while it fills.

import { existsSync, linkSync, mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { lstat } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { createDownloadStore } from '../../../src/actors/agent/download-store.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import type { StoreEvent } from '../../../src/machines/download-protocol.ts'
import { type Fingerprint, fingerprintOf } from '../../../src/storage/fingerprint.ts'
import { type Library, openLibrary } from '../../../src/storage/library.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { recordEvents } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const bytes = Buffer.from('the very file')
const manifest = manifestOf('film.bin', bytes)
const share = shareId('reef', manifest)
const bob = { user: 'bob', device: 'bbbbbbbbbbbb' }
const names = { group: 'reef', name: 'film.bin', overwrite: false }

/** A download of one piece, and stores for it. `over` replaces functions of its library. */
function openDownload(t: ExecutionContext, over: Partial<Library> = {}) {
  const folder = join(tempFolder(t), 'films')
  mkdirSync(folder)
  const path = join(folder, 'film.bin')
  const part = `${path}.part`
  const opened = openLibrary(join(folder, '..', 'library.db'))
  t.teardown(() => opened.close())
  const record = { ...names, user: 'alice', share, manifest, destination: path, part, createdAt: 0 }
  const { id } = opened.createDownload(record)
  const library = { ...opened, ...over }
  const offers = createOfferTable(() => {})
  const adopted: Fingerprint[] = []
  const logic = createDownloadStore({
    library,
    offers,
    shareRegistry: { adopt: ({ fingerprint }) => void adopted.push(fingerprint) },
    peers: { buffers: createBufferPool(0) },
    log: pino({ level: 'silent' }),
  })
  /** What a run leaves that has fetched the only piece. */
  const leaveWhole = () => {
    opened.changeDownload(id, { madePart: true })
    opened.recordPiece(id, 0, bob, 'direct', bytes.length)
    writeFileSync(part, bytes)
  }
  const start = () => {
    const heard = recordEvents<StoreEvent>()
    const store = createActor(logic, { input: { id, ...names, share, manifest, path }, parent: heard.ref }).start()
    const close = async (discard = false) => {
      store.send({ type: 'store.close', discard })
      await heard.next('store.closed')
    }
    return { store, heard, close }
  }
  return { folder, path, part, library: opened, id, offers, adopted, leaveWhole, start }
}

test('A download whose part file was removed fails, and does not fetch it over and over.', async t => {
  const { folder, start } = openDownload(t)
  const { store, heard, close } = start()
  await heard.next('store.ready')
  store.send({ type: 'piece.check', peer: 'bob/bbbbbbbbbbbb', via: 'direct', piece: 0, data: Buffer.from(bytes) })
  await heard.next('piece.verified')
  rmSync(folder, { recursive: true })
  store.send({ type: 'whole.check' })
  t.like(await heard.next('store.failed'), { code: 'destination-unwritable' })
  await close()
})

test('After a kill halfway through the renaming, only the final name is left, and the file is shared under its new fingerprint.', async t => {
  const { path, part, adopted, leaveWhole, start } = openDownload(t)
  leaveWhole()
  linkSync(part, path)
  const { heard, close } = start()
  await heard.next('store.there')
  t.false(existsSync(part))
  t.deepEqual(readFileSync(path), bytes)
  t.deepEqual(adopted, [fingerprintOf(await lstat(path, { bigint: true }))])
  await close()
})

test('A store that is closed while it opens its part file leaves nothing on offer.', async t => {
  let closed: Promise<void> | undefined
  const { offers, leaveWhole, start } = openDownload(t, {
    saveVerified() {
      closed = run.close()
    },
  })
  leaveWhole()
  const run = start()
  while (!closed) await new Promise(setImmediate)
  await closed
  t.is(offers.find(share), undefined)
})

test('After a kill just before the part file is made, the next run makes it.', async t => {
  const { part, library, id, start } = openDownload(t)
  library.changeDownload(id, { madePart: true })
  const { heard, close } = start()
  await heard.next('store.ready')
  t.is(statSync(part).size, bytes.length)
  await close()
})

test('A file that another program puts under the part file’s name at the last moment is never touched.', async t => {
  const download = openDownload(t, {
    changeDownload(id, change) {
      if (change.madePart) writeFileSync(download.part, 'of another program')
      download.library.changeDownload(id, change)
    },
  })
  const { part, start } = download
  for (const when of ['then', 'later']) {
    const { heard, close } = start()
    t.like(await heard.next('store.failed'), { code: 'destination-exists' }, when)
    await close(true)
    t.is(readFileSync(part, 'utf8'), 'of another program')
  }
})
