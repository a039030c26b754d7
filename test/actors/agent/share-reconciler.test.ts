// What the reconciler tells the trackers, by the state of a record and what the log holds.

import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import pino from 'pino'
import { ShareOffers } from '../../../src/actors/agent/share-offers.ts'
import { ShareReconciler } from '../../../src/actors/agent/share-reconciler.ts'
import { ShareRecords } from '../../../src/actors/agent/share-records.ts'
import { ShareTroubles } from '../../../src/actors/agent/share-troubles.ts'
import { done, type Refusal, type RefusalCode, refuse } from '../../../src/domain/refusal.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import type { ShareRecord, ShareState } from '../../../src/storage/library-shares.ts'
import { sharedBytes } from '../../helpers/swarm.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const { share, manifest } = sharedBytes(1000)
const fingerprint = { size: 1000, mtimeNs: '1', ctimeNs: '1', ino: '2', dev: '3' }
const recordIn = (state: ShareState): ShareRecord => ({
  group: 'reef',
  name: 'film.bin',
  share,
  manifest,
  path: '/film.bin',
  fingerprint,
  state,
})

interface Scene {
  readonly state: ShareState
  readonly isInLog: boolean
  /** The log's epoch when it was last reconciled, and now. */
  readonly epochs?: readonly [number, number]
  readonly refusal?: Refusal
  /** Happens while the trackers are asked that. */
  readonly meanwhile?: (records: ShareRecords, method: string) => void
}

function reconcilerOf(
  t: ExecutionContext,
  { state, isInLog, epochs: [before, now] = [1, 1], refusal, meanwhile }: Scene,
) {
  const asked: string[] = []
  const library = openLibrary(join(tempFolder(t), 'library.db'))
  t.teardown(() => library.close())
  library.saveLogEpoch('a login', before)
  const records = new ShareRecords(library, 'alice')
  records.save(recordIn(state))
  const troubles = new ShareTroubles(pino({ level: 'silent' }))
  const trackers = {
    epoch: now,
    refusal,
    async ask(method: string) {
      meanwhile?.(records, method)
      if (method === 'agent.session') return done({ ticketKey: '' })
      if (method === 'agent.shares') return done({ rows: isInLog ? [recordIn(state)] : [] })
      asked.push(method)
      return trackers.refusal ?? done({})
    },
  }
  const reconciler = new ShareReconciler({
    records,
    offers: new ShareOffers({ add() {}, removeFile() {} }, records),
    troubles,
    trackers: trackers as never,
    library,
    login: 'a login',
  })
  const stateNow = () => records.get(recordIn(state))?.state
  return { reconciler, records, trackers, asked, stateNow, troubles, savedEpoch: () => library.logEpoch('a login') }
}

for (const { isInLog, asked, becomes, ...scene } of [
  { state: 'announcing', isInLog: false, asked: ['share.add'], becomes: 'sharing' },
  { state: 'announcing', isInLog: true, asked: ['share.add'], becomes: 'sharing' },
  { state: 'sharing', isInLog: true, asked: [], becomes: 'sharing' },
  { state: 'sharing', isInLog: false, asked: [], becomes: undefined },
  { state: 'sharing', isInLog: false, epochs: [1, 2], asked: ['share.add'], becomes: 'sharing' },
  { state: 'sharing', isInLog: false, epochs: [0, 2], asked: [], becomes: undefined },
  { state: 'changed', isInLog: true, asked: ['share.remove'], becomes: 'changed' },
  { state: 'changed', isInLog: false, asked: [], becomes: 'changed' },
  { state: 'vanished', isInLog: true, asked: ['share.remove'], becomes: 'vanished' },
] as const) {
  const epochs = 'epochs' in scene ? `, at log epoch ${scene.epochs.join(' then ')}` : ''
  test(`A share that is ${scene.state} and ${isInLog ? 'in' : 'not in'} the log${epochs}: ${asked.join() || 'nothing'} is asked.`, async t => {
    const { reconciler, stateNow, troubles, ...seen } = reconcilerOf(t, { ...scene, isInLog })
    t.false(reconciler.isReconciled)
    await reconciler.reconcile()
    t.true(reconciler.isReconciled)
    t.deepEqual(seen.asked, [...asked])
    t.is(stateNow(), becomes)
    t.is(troubles.list.length, becomes ? 0 : 1)
    t.is(seen.savedEpoch(), 'epochs' in scene ? 2 : 1)
  })
}

for (const code of ['unreachable', 'no-quorum', 'too-many'] satisfies RefusalCode[])
  test(`A share that the trackers refuse with ${code} stays to be announced, and the log's epoch is not saved.`, async t => {
    const refusal = refuse(code, 'later')
    const { reconciler, stateNow, troubles, savedEpoch } = reconcilerOf(t, {
      state: 'announcing',
      isInLog: false,
      epochs: [1, 2],
      refusal,
    })
    await reconciler.reconcile()
    t.false(reconciler.isReconciled)
    t.deepEqual([stateNow(), troubles.list, savedEpoch()], ['announcing', [], 1])
  })

test('A share that the trackers refuse for good is forgotten, and its owner hears why.', async t => {
  const refusal = refuse('not-member', 'you are not a member of reef')
  const { reconciler, stateNow, troubles } = reconcilerOf(t, { state: 'announcing', isInLog: false, refusal })
  await reconciler.reconcile()
  t.true(reconciler.isReconciled)
  t.is(stateNow(), undefined)
  t.true(troubles.list[0]?.message.endsWith('you are not a member of reef'))
})

/** What a download that has just finished leaves: another version of a file. */
const finished = (record: ShareRecord): ShareRecord => ({ ...record, share: 'e'.repeat(32), state: 'announcing' })

for (const refusal of [undefined, refuse('not-member', 'you are not a member of reef')])
  test(`A download that finishes while an older version is ${refusal ? 'refused' : 'announced'} is still to be announced.`, async t => {
    const { reconciler, records, troubles } = reconcilerOf(t, {
      state: 'announcing',
      isInLog: false,
      ...(refusal && { refusal }),
      meanwhile(records, method) {
        if (method === 'share.add') records.save(finished(recordIn('sharing')))
      },
    })
    await reconciler.reconcile()
    t.deepEqual(records.get(recordIn('sharing')), finished(recordIn('sharing')))
    t.deepEqual([reconciler.isReconciled, troubles.list], [false, []])
  })

test('A download that finishes while the log is read does not go with the older version that was withdrawn.', async t => {
  const { reconciler, records, troubles, asked } = reconcilerOf(t, {
    state: 'sharing',
    isInLog: false,
    meanwhile(records, method) {
      if (method === 'agent.shares') records.save(finished(recordIn('sharing')))
    },
  })
  await reconciler.reconcile()
  t.deepEqual(records.get(recordIn('sharing')), { ...finished(recordIn('sharing')), state: 'sharing' })
  t.deepEqual([troubles.list, asked], [[], ['share.add']])
})

test('What the trackers did not take is told later, without comparing again.', async t => {
  const asked: string[] = []
  const { reconciler, trackers, stateNow } = reconcilerOf(t, {
    state: 'vanished',
    isInLog: true,
    refusal: refuse('unreachable', 'later'),
    meanwhile: (_, method) => void asked.push(method),
  })
  await reconciler.reconcile()
  t.false(reconciler.isReconciled)
  trackers.refusal = undefined
  await reconciler.settle()
  t.true(reconciler.isReconciled)
  t.is(stateNow(), 'vanished')
  t.deepEqual(asked, ['agent.session', 'agent.shares', 'share.remove', 'share.remove'])
})

test('What was to be withdrawn and is shared again meanwhile stays shared.', async t => {
  const { reconciler, records, trackers, asked } = reconcilerOf(t, {
    state: 'vanished',
    isInLog: true,
    refusal: refuse('unreachable', 'later'),
  })
  await reconciler.reconcile()
  trackers.refusal = undefined
  records.save(recordIn('sharing'))
  await reconciler.settle()
  t.true(reconciler.isReconciled)
  t.deepEqual(asked, ['share.remove'])
})

test('A share in the log that this device has no record of is withdrawn.', async t => {
  const { reconciler, records, asked } = reconcilerOf(t, { state: 'sharing', isInLog: true })
  records.remove(recordIn('sharing'))
  await reconciler.reconcile()
  t.true(reconciler.isReconciled)
  t.deepEqual(asked, ['share.remove'])
})
