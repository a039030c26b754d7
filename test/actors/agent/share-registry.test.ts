// The share registry on real files and a real library, with trackers that a test can take away.

import { rmSync, truncateSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { ShareRegistry } from '../../../src/actors/agent/share-registry.ts'
import type { TrackerClient } from '../../../src/actors/client/tracker-client.ts'
import { type Manifest, pieceLengthFor, sha1Bytes, shareId } from '../../../src/domain/manifest.ts'
import { done, refuse } from '../../../src/domain/refusal.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const group = 'reef'

/** Trackers whose log holds this device's shares alone. */
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
  /** `lacksIt`: the refusal to withdraw what the log does not hold for this device; `no-such-file` when no other device shares it. */
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
  const offers = createOfferTable(({ type }) => told.push(type))
  const open = () =>
    new ShareRegistry({
      user: 'alice',
      login: 'her log-in',
      library,
      trackers: trackers.client,
      offers,
      log: pino({ level: 'silent' }),
    })
  const shareRegistry = open()
  t.true((await shareRegistry.share({ path, group }, {})).ok)
  await shareRegistry.reconcile()
  t.true(shareRegistry.isReconciled)
  return { shareRegistry, library, trackers, path, told, reopened: open }
}

test('A share that a restored log lacks is announced again, and can be withdrawn later like any other.', async t => {
  const { shareRegistry, trackers } = await sharing(t)
  const [[name, share] = ['', '']] = [...trackers.logged]
  trackers.logged.clear()
  trackers.client.epoch = 2
  await shareRegistry.reconcile()
  t.is(trackers.logged.get(name), share)
  t.deepEqual([shareRegistry.troubles, shareRegistry.sharing], [[], 1])
  trackers.logged.clear()
  await shareRegistry.reconcile()
  t.deepEqual([shareRegistry.troubles.length, shareRegistry.sharing], [1, 0])
})

for (const lacksIt of ['not-sharing', 'no-such-file'] as const) {
  test(`A finished download that was not announced yet can be unshared, and is not announced later (${lacksIt}).`, async t => {
    const { shareRegistry, library, trackers } = await sharing(t)
    trackers.client.lacksIt = lacksIt
    const [downloaded] = library.shares('alice')
    trackers.logged.clear()
    shareRegistry.adopt(downloaded!)
    const file = { group, name: 'film.bin' }
    t.true((await shareRegistry.unshare(file)).ok)
    await shareRegistry.reconcile()
    t.deepEqual([shareRegistry.sharing, trackers.logged.size], [0, 0])
    t.like(await shareRegistry.unshare(file), { ok: false, code: lacksIt })
  })
}

test('A finished download stays on offer while the trackers accept no more, and is announced later.', async t => {
  const { shareRegistry, library, trackers } = await sharing(t)
  const [downloaded] = library.shares('alice')
  trackers.logged.clear()
  trackers.client.takesNoMore = true
  shareRegistry.adopt(downloaded!)
  await shareRegistry.reconcile()
  t.false(shareRegistry.isReconciled, 'it will be tried again')
  t.deepEqual([shareRegistry.sharing, shareRegistry.troubles, library.shares('alice').length], [1, [], 1])
  const { announced } = trackers.client
  await shareRegistry.reconcile()
  t.is(trackers.client.announced, announced, 'not at once')
})

test('A share that the log has lost is forgotten, and its owner is told where the file is.', async t => {
  const { shareRegistry, trackers, path } = await sharing(t)
  trackers.logged.clear()
  await shareRegistry.reconcile()
  t.is(shareRegistry.sharing, 0)
  t.is(shareRegistry.troubles.length, 1)
  t.true(shareRegistry.troubles[0]?.message.includes(path))
})

test('A file that vanishes while the trackers are away is removed from the log once they are back.', async t => {
  const { shareRegistry, trackers, path } = await sharing(t)
  trackers.goAway()
  rmSync(path)
  await shareRegistry.check()
  t.false(shareRegistry.isReconciled, 'it will be tried again')
  trackers.comeBack()
  await shareRegistry.reconcile()
  t.true(shareRegistry.isReconciled)
  t.is(trackers.logged.size, 0)
})

test('A file that reappears while the trackers are away is announced once they are back.', async t => {
  const { shareRegistry, trackers, path } = await sharing(t)
  rmSync(path)
  await shareRegistry.check()
  trackers.goAway()
  writeFileSync(path, 'the very file')
  await shareRegistry.check()
  t.false(shareRegistry.isReconciled)
  trackers.comeBack()
  await shareRegistry.reconcile()
  t.is(trackers.logged.size, 1)
})

test('A trouble is shown until the file is shared again, even by the next agent.', async t => {
  const { shareRegistry, path, reopened } = await sharing(t)
  writeFileSync(path, 'other bytes')
  await shareRegistry.check()
  t.is(shareRegistry.troubles.length, 1)
  const next = reopened()
  t.deepEqual(next.troubles, shareRegistry.troubles)
  t.true((await next.share({ path, group }, {})).ok)
  t.deepEqual(next.troubles, [])
})

test('A file that could not be read once, and has not changed, stays shared.', async t => {
  const { shareRegistry, trackers, told } = await sharing(t)
  const [share = ''] = trackers.logged.values()
  told.length = 0
  await shareRegistry.checkUnreadable(share)
  t.deepEqual([told, shareRegistry.sharing, shareRegistry.troubles], [[], 1, []])
  t.is(shareRegistry.findOffer(share), undefined, 'no peer is given it at once')
  await shareRegistry.check()
  t.truthy(shareRegistry.findOffer(share))
  t.is(trackers.logged.size, 1, 'peers still find it')
})

/** Shares a second file, which takes long to hash and has changed. */
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
  const shareRegistry = scene.reopened()
  const check = { hasEnded: false }
  const checking = shareRegistry.check().finally(() => {
    check.hasEnded = true
  })
  while (shareRegistry.sharing === 2) await new Promise(setImmediate)
  return { ...scene, shareRegistry, check, checking }
}

test('While a large file is hashed again, others can be unshared, and closing does not wait for it.', async t => {
  const { shareRegistry, check, checking, trackers, library } = await withLargeFile(t)
  t.true((await shareRegistry.unshare({ group, name: 'film.bin' })).ok)
  t.false(check.hasEnded)
  t.deepEqual([...trackers.logged.keys()], ['large.bin'])
  await Promise.all([shareRegistry.close(), t.throwsAsync(checking, { name: 'AbortError' })])
  t.is(library.shares('alice')[0]?.state, 'sharing', 'the next agent checks it again')
})

test('A file that is unshared while it is hashed again stays unshared.', async t => {
  const { shareRegistry, path, library, trackers } = await sharing(t)
  writeFileSync(path, 'the very file')
  const checking = shareRegistry.check()
  t.true((await shareRegistry.unshare({ group, name: 'film.bin' })).ok)
  await checking
  t.deepEqual([shareRegistry.sharing, library.shares('alice'), [...trackers.logged]], [0, [], []])
})
