// What a user may do with downloads, on a real library and disk, while no sharer is online.

import { chmodSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { downloadTunables } from '../../../config/swarm.ts'
import { isInactive } from '../../../src/actors/agent/download-view.ts'
import { createDownloads } from '../../../src/actors/agent/downloads.ts'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import { createBufferPool } from '../../../src/actors/swarm/buffer-pool.ts'
import { type Manifest, maxFileBytes, pieceLengthFor, sha1Bytes, shareId } from '../../../src/domain/manifest.ts'
import { done } from '../../../src/domain/refusal.ts'
import { type Library, openLibrary } from '../../../src/storage/library.ts'
import { LibraryFailed } from '../../../src/storage/library-file.ts'
import { claim } from '../../../src/storage/piece-file.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const bytes = Buffer.from('the very file')
const manifest = manifestOf('film.bin', bytes)
const locatedAs = (of: Manifest) => ({ share: shareId('reef', of), manifest: of, peers: [], sharers: 1 })

function openDownloads(t: ExecutionContext, located = locatedAs(manifest)) {
  const folder = tempFolder(t)
  const destination = join(folder, 'films')
  mkdirSync(destination)
  const opened = openLibrary(join(folder, 'library.db'))
  const disk = { isFull: false, isUnreadable: false }
  const library: Library = {
    ...opened,
    download(id) {
      if (disk.isUnreadable) throw new LibraryFailed('disk I/O error')
      return opened.download(id)
    },
    changeDownload(id, change) {
      if (disk.isFull) throw new LibraryFailed('database or disk is full')
      opened.changeDownload(id, change)
    },
  }
  const downloads = createDownloads({
    user: 'alice',
    library,
    trackers: { ask: async () => done(located) } as unknown as TrackerClient,
    offers: createOfferTable(() => {}),
    shareRegistry: { adopt() {} },
    peers: {
      me: { user: 'alice', device: 'aaaaaaaaaaaa' },
      buffers: createBufferPool(0),
      connectRelay: () => {
        throw new Error('no peer should be connected')
      },
    },
    log: pino({ level: 'silent' }),
  })
  const queue = createActor(downloads.logic).start()
  t.teardown(async () => {
    for (const { id } of downloads.views()) await downloads.cancel(id)
    queue.stop()
    library.close()
  })
  const add = (overwrite = false, into = destination) =>
    downloads.add({ group: 'reef', name: 'film.bin', destination: into, overwrite })
  /** Fills the queue with running downloads, each in a folder of its own; the value is the first one's id. */
  const occupy = async () => {
    const ids: number[] = []
    for (let other = 0; other < downloadTunables.maxRunning; other += 1) {
      mkdirSync(join(destination, `${other}`))
      const begun = await add(false, join(destination, `${other}`))
      if (begun.ok) ids.push(begun.value.id)
    }
    t.is(ids.length, downloadTunables.maxRunning)
    return ids[0]!
  }
  return { downloads, queue, disk, library, add, occupy, destination, path: join(destination, 'film.bin') }
}

test('Two requests for a file at once start one download.', async t => {
  const { downloads, add } = openDownloads(t)
  const [one, other] = await Promise.all([add(), add()])
  t.true(one.ok && other.ok && one.value.id === other.value.id)
  t.is(downloads.views().length, 1)
})

for (const [what, inTheWay] of [
  ['nothing', undefined],
  ['a placeholder that a kill left', claim],
  ['a file that it may replace', 'another file'],
] as const)
  test(`A file too large for the disk is refused where there is ${what}.`, async t => {
    const pieces = Buffer.alloc((maxFileBytes / pieceLengthFor(maxFileBytes)) * sha1Bytes).toString('base64')
    const huge = { ...manifest, size: maxFileBytes, pieceLength: pieceLengthFor(maxFileBytes), pieces }
    const { downloads, add, destination, path } = openDownloads(t, locatedAs(huge))
    if (inTheWay !== undefined) writeFileSync(path, inTheWay)
    t.like(await add(true), { ok: false, code: 'no-space' })
    t.deepEqual(downloads.views(), [])
    t.deepEqual(readdirSync(destination), inTheWay === undefined ? [] : ['film.bin'])
  })

test('An ending that a full disk does not take counts at once, and is recorded when there is room.', async t => {
  const { downloads, queue, disk, library, add } = openDownloads(t)
  const added = await add()
  if (!added.ok) return t.fail(added.message)
  const { id } = added.value
  disk.isFull = true
  t.like(await downloads.pause(id), { ok: true, value: { state: 'paused' } })
  t.is(queue.getSnapshot().status, 'active')
  t.not(library.download(id)?.state, 'paused')
  disk.isFull = false
  while (library.download(id)?.state !== 'paused') await delay(20)
  t.is(downloads.view(id)?.state, 'paused')
})

test('A download can be paused while its library can be neither read nor written.', async t => {
  const { downloads, queue, disk, library, add } = openDownloads(t)
  const added = await add()
  if (!added.ok) return t.fail(added.message)
  const { id } = added.value
  disk.isFull = true
  disk.isUnreadable = true
  t.like(await downloads.pause(id), { ok: true, value: { state: 'paused', name: 'film.bin' } })
  t.is(queue.getSnapshot().status, 'active')
  disk.isFull = false
  disk.isUnreadable = false
  while (library.download(id)?.state !== 'paused') await delay(20)
  t.like(downloads.view(id), { state: 'paused', name: 'film.bin' })
})

test('A download that failed because of an existing file continues once it may replace it.', async t => {
  const { downloads, add, path } = openDownloads(t)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  await downloads.pause(id)
  writeFileSync(path, 'another file')
  await downloads.resume(id)
  while (downloads.view(id)?.state !== 'failed') await new Promise(setImmediate)
  t.is(downloads.view(id)?.error?.code, 'destination-exists')

  t.true((await add(true)).ok)
  while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
  t.is(readFileSync(path, 'utf8'), 'another file', 'until the download is whole')
})

test('A completed download cannot be paused, resumed or cancelled.', async t => {
  const { downloads, add, path } = openDownloads(t)
  writeFileSync(path, bytes)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  while (downloads.view(id)?.state !== 'completed') await new Promise(setImmediate)
  for (const steer of [downloads.pause, downloads.resume, downloads.cancel])
    t.like(await steer(id), { ok: false, code: 'not-running' })
})

test('Cancelling a queued download removes its part file and its placeholder.', async t => {
  const { downloads, add, occupy, path } = openDownloads(t)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
  await downloads.pause(id)
  t.true(existsSync(`${path}.part`))
  // As a kill at its end would leave it where there are no hard links.
  writeFileSync(path, claim)
  await occupy()
  t.like(await downloads.resume(id), { ok: true, value: { state: 'queued' } })
  const cancelled = downloads.cancel(id)
  t.is(downloads.view(id)?.state, 'queued', 'it is never shown as paused')
  const resumed = downloads.resume(id)
  t.like(await cancelled, { ok: true, value: { state: 'cancelled' } })
  t.like(await resumed, { ok: false, code: 'not-running' })
  t.deepEqual([existsSync(`${path}.part`), existsSync(path)], [false, false])
})

test('A file that appears under a queued download’s part file name stays as it is, even when the download is cancelled.', async t => {
  const { downloads, add, occupy, path } = openDownloads(t)
  const running = await occupy()
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  t.is(downloads.view(id)?.state, 'queued')
  writeFileSync(`${path}.part`, 'of another program')

  await downloads.cancel(running)
  while (downloads.view(id)?.state !== 'failed') await new Promise(setImmediate)
  t.like(downloads.view(id)?.error, { code: 'destination-exists' })
  t.regex(downloads.view(id)?.error?.message ?? '', /film\.bin\.part/)
  t.is(readFileSync(`${path}.part`, 'utf8'), 'of another program')

  rmSync(`${path}.part`)
  t.true((await downloads.resume(id)).ok)
  while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
  await downloads.pause(id)
  t.is(statSync(`${path}.part`).size, bytes.length)
  t.true((await downloads.cancel(id)).ok)
  t.false(existsSync(`${path}.part`))

  t.true((await add(false, join(path, '..', '0'))).ok)
  const other = await add()
  t.like(other, { ok: true, value: { state: 'queued' } })
  writeFileSync(`${path}.part`, 'of another program')
  t.like(await downloads.cancel(other.ok ? other.value.id : 0), { ok: true, value: { state: 'cancelled' } })
  t.is(readFileSync(`${path}.part`, 'utf8'), 'of another program')
})

test('A download that is cancelled while its part file is checked leaves no part file.', async t => {
  const { downloads, library, add, path } = openDownloads(t)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
  await downloads.pause(id)
  library.recordPiece(id, 0, { user: 'bob', device: 'bbbbbbbbbbbb' }, 'direct', bytes.length)
  t.true((await downloads.resume(id)).ok)
  t.like(await downloads.cancel(id), { ok: true, value: { state: 'cancelled' } })
  t.false(existsSync(`${path}.part`))
})

test('A download’s destination is never another’s part file, nor its part file another’s destination.', async t => {
  const { downloads, add, path } = openDownloads(t)
  const begun = await add()
  t.like(await add(false, `${path}.part`), { ok: false, code: 'destination-exists' })
  await downloads.cancel(begun.ok ? begun.value.id : 0)

  t.true((await add(false, `${path}.part`)).ok)
  t.like(await add(), { ok: false, code: 'destination-exists' })
  t.is(downloads.views().length, 2)
})

test('A download that is resumed or downloaded again while it is being paused continues.', async t => {
  const { downloads, add } = openDownloads(t)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  for (const goOn of [() => downloads.resume(id), () => add()]) {
    while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
    const [paused, goesOn] = await Promise.all([downloads.pause(id), goOn()])
    t.like(paused, { ok: true, value: { state: 'paused' } })
    t.true(goesOn.ok && !isInactive(goesOn.value.state))
    while (downloads.view(id)?.state !== 'stalled') await new Promise(setImmediate)
  }
})

test('A command to a download that is failing takes effect once it has failed.', async t => {
  const { downloads, queue, add, path } = openDownloads(t)
  const begun = await add()
  const id = begun.ok ? begun.value.id : 0
  await downloads.pause(id)
  writeFileSync(path, 'another file')
  const failing = async <T>(steer: () => Promise<T>) => {
    const { promise, resolve } = Promise.withResolvers<T>()
    const run = queue.getSnapshot().context.running.get(id)!.actor
    const following = run.subscribe(snapshot => {
      if (!snapshot.matches('settling')) return
      following.unsubscribe()
      resolve(steer())
    })
    return promise
  }
  t.true((await downloads.resume(id)).ok)
  t.like(await failing(() => downloads.resume(id)), { ok: true, value: { state: 'locating' } })
  t.like(await failing(() => downloads.cancel(id)), { ok: true, value: { state: 'cancelled' } })
  while (queue.getSnapshot().context.running.size > 0) await new Promise(setImmediate)
  t.is(downloads.view(id)?.state, 'cancelled')
  t.false(existsSync(`${path}.part`))
})

test('A download that the agent suspends can be neither paused nor cancelled, and stays queued.', async t => {
  const { downloads, queue, library, add, occupy } = openDownloads(t)
  const running = await occupy()
  const begun = await add()
  const waiting = begun.ok ? begun.value.id : 0
  queue.send({ type: 'queue.suspend' })
  for (const id of [running, waiting])
    for (const steer of [downloads.pause, downloads.cancel]) {
      t.like(await steer(id), { ok: false, code: 'unreachable' })
      t.is(library.download(id)?.state, 'queued')
    }
})

// root may write anywhere.
const untilNotRoot = process.getuid?.() === 0 ? test.skip : test

untilNotRoot('A folder that may not be written is refused, unless it has the file already.', async t => {
  const { downloads, add, destination, path } = openDownloads(t)
  t.teardown(() => chmodSync(destination, 0o700))
  chmodSync(destination, 0o500)
  t.like(await add(), { ok: false, code: 'destination-unwritable' })
  t.is(downloads.views().length, 0)

  chmodSync(destination, 0o700)
  writeFileSync(path, bytes)
  chmodSync(destination, 0o500)
  t.true((await add()).ok)
})
