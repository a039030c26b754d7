// The check of shared files, on real files; what it would tell the trackers is recorded.

import { rmSync, writeFileSync } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pLimit from 'p-limit'
import pino from 'pino'
import { FileCheck, fileState } from '../../../src/actors/agent/file-check.ts'
import { ShareOffers } from '../../../src/actors/agent/share-offers.ts'
import { ShareRecords } from '../../../src/actors/agent/share-records.ts'
import { ShareTroubles } from '../../../src/actors/agent/share-troubles.ts'
import { fingerprintOf } from '../../../src/storage/fingerprint.ts'
import { hashFile } from '../../../src/storage/hashing.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'
import { granted } from '../../helpers/granted.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

async function sharedFile(t: ExecutionContext) {
  const folder = tempFolder(t)
  const path = join(folder, 'film.bin')
  writeFileSync(path, 'the very file')
  const { fingerprint, ...hashes } = granted(await hashFile(path))
  const manifest = { name: 'film.bin', ...hashes }
  const name = { group: 'reef', name: 'film.bin' }
  const library = openLibrary(join(folder, 'library.db'))
  t.teardown(() => library.close())
  const records = new ShareRecords(library, 'alice')
  records.save({ ...name, share: 'f'.repeat(32), manifest, path, fingerprint, state: 'sharing' })
  const offers = new ShareOffers({ add() {}, removeFile() {} }, records)
  const troubles = new ShareTroubles(pino({ level: 'silent' }))
  const told: string[] = []
  const reconciler = {
    isReached: true,
    announce: async () => {
      told.push('announce')
      return reconciler.isReached
    },
    retract: async () => {
      told.push('retract')
      return reconciler.isReached
    },
    markUnreconciled: () => void told.push('unreconciled'),
  }
  const changes = pLimit(1)
  const files = new FileCheck({ records, offers, troubles, reconciler, changes })
  const check = async () => {
    await files.check(records.get(name)!)
    return {
      state: records.get(name)?.state,
      isOffered: offers.has(records.get(name)!),
      troubles: troubles.list.length,
    }
  }
  return { path, records, reconciler, told, files, changes, check, name }
}

test('A file that is what it was is offered, without hashing it.', async t => {
  const { files, check, told } = await sharedFile(t)
  files.close()
  t.deepEqual(await check(), { state: 'sharing', isOffered: true, troubles: 0 })
  t.deepEqual(told, [])
})

test('A file rewritten with the same bytes stays shared under its new fingerprint.', async t => {
  const { path, records, name, check, told } = await sharedFile(t)
  writeFileSync(path, 'the very file')
  t.deepEqual(await check(), { state: 'sharing', isOffered: true, troubles: 0 })
  t.deepEqual(records.get(name)?.fingerprint, fingerprintOf(await stat(path, { bigint: true })))
  t.deepEqual(told, [])
})

test('A file with other bytes leaves sharing for good, and is not hashed again.', async t => {
  const { path, check, told } = await sharedFile(t)
  await check()
  writeFileSync(path, 'other bytes')
  const left = { state: 'changed', isOffered: false, troubles: 1 }
  t.deepEqual(await check(), left)
  writeFileSync(path, 'the very file')
  t.deepEqual(await check(), left)
  t.deepEqual(told, ['retract'])
})

test('A missing file leaves sharing, and is announced again when it is back.', async t => {
  const { path, check, told } = await sharedFile(t)
  rmSync(path)
  t.deepEqual(await check(), { state: 'vanished', isOffered: false, troubles: 1 })
  t.deepEqual(await check(), { state: 'vanished', isOffered: false, troubles: 1 })
  writeFileSync(path, 'the very file')
  t.deepEqual(await check(), { state: 'announcing', isOffered: true, troubles: 0 })
  t.deepEqual(told, ['retract', 'announce'])
})

test('An announcement that does not reach the trackers is left to the reconciler.', async t => {
  const { path, check, told, reconciler } = await sharedFile(t)
  reconciler.isReached = false
  rmSync(path)
  await check()
  writeFileSync(path, 'the very file')
  await check()
  t.deepEqual(told, ['retract', 'unreconciled', 'announce', 'unreconciled'])
})

test('A change to a share while its file is hashed takes precedence over the result of the hashing.', async t => {
  const { path, records, name, files, changes, told } = await sharedFile(t)
  const shared = records.get(name)!
  const replaced: ShareRecord = { ...shared, path: '/elsewhere' }
  writeFileSync(path, 'other bytes')
  const change = Promise.withResolvers<void>()
  changes(() => change.promise)
  const checking = files.check(shared)
  records.save(replaced)
  change.resolve()
  await checking
  t.deepEqual(records.get(name), replaced)
  t.deepEqual(told, [])
})

test('A file that does not exist has vanished.', async t => {
  const { path, records, name } = await sharedFile(t)
  const { fingerprint } = records.get(name)!
  t.is(await fileState(path, fingerprint), 'same')
  t.is(await fileState(`${path}.not`, fingerprint), 'vanished')
  writeFileSync(path, 'other bytes')
  t.is(await fileState(path, fingerprint), 'changed')
})
