import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { limitTunables, peerTunables, uploadTunables } from '../../../config/swarm.ts'
import { createDeviceLimits } from '../../../src/actors/agent/device-limits.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

function openLimits(t: ExecutionContext) {
  const library = openLibrary(join(tempFolder(t), 'library.db'))
  t.teardown(() => library.close())
  return { limits: createDeviceLimits(library), again: () => createDeviceLimits(library) }
}

test('A device has no limits until they are set, and a change leaves the other limits as they are.', t => {
  const { limits, again } = openLimits(t)
  t.deepEqual(limits.current, { up: null, down: null, connections: null })
  t.false(limits.serving.isCapped || limits.fetching.isCapped)
  limits.change({ down: 500_000 })
  limits.change({ connections: 20 })
  t.deepEqual(limits.current, { up: null, down: 500_000, connections: 20 })
  t.deepEqual([limits.serving.isCapped, limits.fetching.isCapped], [false, true])
  t.deepEqual(again().current, limits.current)
  t.true(again().fetching.isCapped)
  limits.change({ down: null })
  t.false(limits.fetching.isCapped)
  t.false(again().fetching.isCapped)
})

test('As many peers are served as the user allows, and as the upload limit can feed.', t => {
  const { limits } = openLimits(t)
  t.is(limits.mostServed, uploadTunables.maxSessions)
  limits.change({ connections: 20 })
  t.is(limits.mostServed, 20)
  limits.change({ up: 10 * peerTunables.blockBytes, connections: null })
  t.is(limits.mostServed, 80)
  limits.change({ connections: 30 })
  t.is(limits.mostServed, 30)
  limits.change({ up: limitTunables.leastBytesPerSecond })
  t.is(limits.mostServed, 1)
})

test('Under the lowest upload limit, every peer gets a block before it gives up.', t => {
  const secondsABlock = peerTunables.blockBytes / limitTunables.leastBytesPerSecond
  t.true(secondsABlock * 1000 < peerTunables.silentAfterMs)
  t.true(limitTunables.servedEveryMs < peerTunables.silentAfterMs)
})
