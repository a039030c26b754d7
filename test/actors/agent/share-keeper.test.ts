// What a device shares, on real files and a real library, with trackers that are there or away as a test says.

import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createOfferBook } from '../../../src/actors/agent/offer-book.ts'
import { createShareKeeper } from '../../../src/actors/agent/share-keeper.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import { type Manifest, pieceLengthFor, sha1Bytes, shareId } from '../../../src/domain/manifest.ts'
import { done, refuse } from '../../../src/domain/refusal.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const group = 'reef'

/** The log as far as this device is in it. */
function createTrackers() {
  const logged = new Map<string, string>()
  let areAway = false
  const ask = async (method: string, params: { manifest?: Manifest; name?: string }) => {
    if (areAway) return refuse('unreachable', 'no tracker is running')
    if (method === 'share.add') client.announced += 1
    if (method === 'share.add' && client.takesNoMore) return refuse('too-many', 'try again in 5 s')
    if (method === 'share.add') logged.set(params.manifest!.name, shareId(group, params.manifest!))
    if (method === 'share.remove' && !logged.delete(params.name!)) return refuse(client.lacksIt, 'no')
    if (method !== 'agent.shares') return done({ ticketKey: '' })
    return done({ rows: [...logged].map(([name, share]) => ({ group, name, share })) })
  }
  const goAway = () => {
    areAway = true
  }
  const comeBack = () => {
    areAway = false
  }
  /** `lacksIt`: the refusal to withdraw what the log does not have from this device; `no-such-file` when nobody else shares it. */
  const client = {
    ask,
    epoch: 1,
    lacksIt: 'not-sharing' as 'not-sharing' | 'no-such-file',
    takesNoMore: false,
    announced: 0,
  }
  return { logged, goAway, comeBack, client: client as typeof client & TrackerClient }
}

async function sharing(t: ExecutionContext) {
  const folder = tempFolder(t)
  const path = join(folder, 'film.bin')
  writeFileSync(path, 'the very file')
  const library = openLibrary(join(folder, 'library.db'))
  t.teardown(() => library.close())
  const trackers = createTrackers()
  const told: string[] = []
  const offers = createOfferBook(({ type }) => told.push(type))
  const open = () =>
    createShareKeeper({
      user: 'alice',
      login: 'her log-in',
      library,
      trackers: trackers.client,
      offers,
      log: pino({ level: 'silent' }),
    })
  const keeper = open()
  t.true((await keeper.share({ path, group }, {})).ok)
  await keeper.reconcile()
  t.true(keeper.isReconciled)
  return { keeper, library, trackers, path, told, reopened: open }
}

test('A share that a restored log lacks is told to the trackers again; later it may be withdrawn like any other.', async t => {
  const { keeper, trackers } = await sharing(t)
  const [[name, share] = ['', '']] = [...trackers.logged]
  trackers.logged.clear()
  trackers.client.epoch = 2
  await keeper.reconcile()
  t.is(trackers.logged.get(name), share)
  t.deepEqual([keeper.troubles, keeper.sharing], [[], 1])
  trackers.logged.clear()
  await keeper.reconcile()
  t.deepEqual([keeper.troubles.length, keeper.sharing], [1, 0])
})

for (const lacksIt of ['not-sharing', 'no-such-file'] as const) {
  test(`A finished download that the trackers have not been told of can be unshared, and is not told to them later: ${lacksIt}.`, async t => {
    const { keeper, library, trackers } = await sharing(t)
    trackers.client.lacksIt = lacksIt
    const [downloaded] = library.shares('alice')
    trackers.logged.clear()
    keeper.adopt(downloaded!)
    const file = { group, name: 'film.bin' }
    t.true((await keeper.unshare(file)).ok)
    await keeper.reconcile()
    t.deepEqual([keeper.sharing, trackers.logged.size], [0, 0])
    t.like(await keeper.unshare(file), { ok: false, code: lacksIt })
  })
}

test('A finished download that trackers do not take now, since too much was written, stays on offer and is told later.', async t => {
  const { keeper, library, trackers } = await sharing(t)
  const [downloaded] = library.shares('alice')
  trackers.logged.clear()
  trackers.client.takesNoMore = true
  keeper.adopt(downloaded!)
  await keeper.reconcile()
  t.false(keeper.isReconciled, 'it is to be tried again')
  t.deepEqual([keeper.sharing, keeper.troubles, library.shares('alice').length], [1, [], 1])
  const { announced } = trackers.client
  await keeper.reconcile()
  t.is(trackers.client.announced, announced, 'and not at once')
})

test('A share that the trackers have lost is forgotten, and its owner hears of it, and where the file is.', async t => {
  const { keeper, trackers, path } = await sharing(t)
  trackers.logged.clear()
  await keeper.reconcile()
  t.is(keeper.sharing, 0)
  t.is(keeper.troubles.length, 1)
  t.true(keeper.troubles[0]?.message.includes(path))
})

test('A file that vanishes while trackers are away is taken off the log once they are back.', async t => {
  const { keeper, trackers, path } = await sharing(t)
  trackers.goAway()
  rmSync(path)
  await keeper.check()
  t.false(keeper.isReconciled, 'it is to be tried again')
  trackers.comeBack()
  await keeper.reconcile()
  t.true(keeper.isReconciled)
  t.is(trackers.logged.size, 0)
})

test('A file that comes back while trackers are away is told to them once they are back.', async t => {
  const { keeper, trackers, path } = await sharing(t)
  rmSync(path)
  await keeper.check()
  trackers.goAway()
  writeFileSync(path, 'the very file')
  await keeper.check()
  t.false(keeper.isReconciled)
  trackers.comeBack()
  await keeper.reconcile()
  t.is(trackers.logged.size, 1)
})

test('That a file left sharing is said until it is shared again, also by the next agent.', async t => {
  const { keeper, path, reopened } = await sharing(t)
  writeFileSync(path, 'other bytes')
  await keeper.check()
  t.is(keeper.troubles.length, 1)
  const next = reopened()
  t.deepEqual(next.troubles, keeper.troubles)
  t.true((await next.share({ path, group }, {})).ok)
  t.deepEqual(next.troubles, [])
})

test('A file that could not be read for somebody, and is what it was, goes on being shared.', async t => {
  const { keeper, trackers, told } = await sharing(t)
  const [share = ''] = trackers.logged.values()
  told.length = 0
  // As the serving desk says, which has dropped it then, and is told of it again (offer-book.test.ts).
  await keeper.check(share)
  t.deepEqual([told, keeper.sharing, keeper.troubles], [[], 1, []])
  t.is(trackers.logged.size, 1, 'others go on to find it')
})

/** Beside the one that is shared: a file that takes long to hash, and is not what it was. */
async function withLargeFile(t: ExecutionContext) {
  const scene = await sharing(t)
  const [small] = scene.library.shares('alice')
  const path = join(dirname(scene.path), 'large.bin')
  writeFileSync(path, '')
  const size = 4 * 2 ** 30
  truncateSync(path, size)
  const pieceLength = pieceLengthFor(size)
  const pieces = Buffer.alloc((size / pieceLength) * sha1Bytes).toString('base64')
  const manifest = { ...small!.manifest, name: 'large.bin', size, pieceLength, pieces }
  const share = shareId(group, manifest)
  scene.library.saveShare('alice', { ...small!, name: 'large.bin', share, manifest, path })
  scene.trackers.logged.set('large.bin', share)
  const keeper = scene.reopened()
  const look = { hasEnded: false }
  const looking = keeper.check().finally(() => {
    look.hasEnded = true
  })
  while (keeper.sharing === 0) await new Promise(setImmediate)
  return { ...scene, keeper, look, looking }
}

test('While a large file is looked into, others can be unshared, and closing waits for it no longer.', async t => {
  const { keeper, look, looking, trackers, library } = await withLargeFile(t)
  t.true((await keeper.unshare({ group, name: 'film.bin' })).ok)
  t.false(look.hasEnded)
  t.deepEqual([...trackers.logged.keys()], ['large.bin'])
  await Promise.all([keeper.close(), t.throwsAsync(looking, { name: 'AbortError' })])
  t.is(library.shares('alice')[0]?.state, 'sharing', 'the next agent looks into it again')
})

test('A file that is unshared while it is looked into stays unshared.', async t => {
  const { keeper, path, library, trackers } = await sharing(t)
  writeFileSync(path, 'the very file')
  const looking = keeper.check()
  t.true((await keeper.unshare({ group, name: 'film.bin' })).ok)
  await looking
  t.deepEqual([keeper.sharing, library.shares('alice'), [...trackers.logged]], [0, [], []])
})
