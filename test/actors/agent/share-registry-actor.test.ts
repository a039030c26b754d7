import test from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { createShareRegistryActor } from '../../../src/actors/agent/share-registry-actor.ts'
import { until } from '../../helpers/until.ts'

const settled = () => new Promise(setImmediate)

/** A registry whose reconciling waits until `finish` is called. */
function startRegistry() {
  const called: string[] = []
  const reconciling: PromiseWithResolvers<void>[] = []
  const registry = {
    isReconciled: true,
    check: async () => void called.push('check'),
    checkNext: async () => void called.push('checkNext'),
    checkChanged: async () => void called.push('checkChanged'),
    checkUnreadable: async (share: string) => void called.push(`checkUnreadable ${share}`),
    settle: async () => void called.push('settle'),
    reconcile() {
      const run = Promise.withResolvers<void>()
      reconciling.push(run)
      return run.promise
    },
  }
  const offers = { restock: () => void called.push('restock') }
  const actor = createActor(createShareRegistryActor(registry, offers, pino({ level: 'silent' }))).start()
  return { actor, registry, called, reconciling }
}

test('It checks all files and reconciles when it starts, and restocks the offers after the check.', async t => {
  const { actor, called, reconciling } = startRegistry()
  await settled()
  t.deepEqual([called, reconciling.length], [['check', 'restock'], 1])
  actor.stop()
})

test('After that it regularly checks what has changed, some of the rest, and tells what is left to tell.', async t => {
  const { actor, called, registry } = startRegistry()
  registry.isReconciled = false
  await until('each of these', () => ['checkChanged', 'checkNext', 'settle'].every(name => called.includes(name)))
  t.is(called.filter(name => name === 'check').length, 1)
  actor.stop()
})

test('An offer that could not be read has its file checked.', async t => {
  const { actor, called } = startRegistry()
  actor.send({ type: 'offer.failed', share: 'a share', error: new Error('gone') })
  t.deepEqual(called, ['check', 'checkUnreadable a share'])
  actor.stop()
})

test('Notices that arrive while it reconciles make it reconcile once more, even after a failure.', async t => {
  const { actor, reconciling } = startRegistry()
  actor.send({ type: 'notices.missed' })
  actor.send({ type: 'notice.received', notice: { type: 'sharing.ended' } as never })
  await settled()
  t.is(reconciling.length, 1)
  reconciling[0]?.reject(new Error('the disk failed'))
  await settled()
  t.is(reconciling.length, 2)
  reconciling[1]?.resolve()
  await settled()
  t.is(reconciling.length, 2)
  actor.send({ type: 'notice.received', notice: { type: 'file.shared' } as never })
  t.is(reconciling.length, 2, 'a notice about other shares does not concern it')
  actor.stop()
})
