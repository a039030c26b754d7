import test from 'ava'
import pino from 'pino'
import { createActor } from 'xstate'
import { createShareRegistryActor } from '../../../src/actors/agent/share-registry-actor.ts'

const settled = () => new Promise(setImmediate)

/** A registry whose reconciling waits until `finish` is called. */
function startRegistry() {
  const checked: (string | undefined)[] = []
  const reconciling: PromiseWithResolvers<void>[] = []
  let restocked = 0
  const registry = {
    isReconciled: true,
    check: async (share?: string) => void checked.push(share),
    reconcile() {
      const run = Promise.withResolvers<void>()
      reconciling.push(run)
      return run.promise
    },
  }
  const offers = { restock: () => void restocked++ }
  const actor = createActor(createShareRegistryActor(registry, offers, pino({ level: 'silent' }))).start()
  return { actor, checked, reconciling, restocked: () => restocked }
}

test('It checks all files and reconciles when it starts, and restocks the offers after the check.', async t => {
  const { actor, checked, reconciling, restocked } = startRegistry()
  await settled()
  t.deepEqual([checked, reconciling.length, restocked()], [[undefined], 1, 1])
  actor.stop()
})

test('An offer that could not be read has its file checked.', async t => {
  const { actor, checked } = startRegistry()
  actor.send({ type: 'offer.failed', share: 'a share', error: new Error('gone') })
  t.deepEqual(checked, [undefined, 'a share'])
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
