import test from 'ava'
import { peerTunables } from '../../../config/swarm.ts'
import { DeliveryWatch } from '../../../src/actors/swarm/delivery-watch.ts'
import { checkEveryMs } from '../../../src/actors/swarm/idle-watch.ts'

const { silentAfterMs, leastBytes } = peerTunables
const checks = silentAfterMs / checkEveryMs(peerTunables.silentAfterMs)

/** How many checks in a row the peer passes before it counts as silent. */
function checksPassed(watch: DeliveryWatch): number {
  let passed = 0
  while (!watch.check()) passed += 1
  return passed
}

test('A peer that delivers nothing is silent once the time allowed has passed.', t => {
  t.is(checksPassed(new DeliveryWatch(peerTunables)), checks)
})

test('A byte now and then does not keep a peer alive.', t => {
  const watch = new DeliveryWatch({ leastBytes })
  let passed = 0
  for (; !watch.check(); passed += 1) watch.bytesArrived(leastBytes / (2 * checks))
  t.is(passed, checks)
})

test('Bytes that add up to something keep a peer alive.', t => {
  const watch = new DeliveryWatch({ leastBytes })
  for (let count = 0; count < 10 * checks; count += 1) {
    t.false(watch.check())
    watch.bytesArrived(leastBytes / 5)
  }
})

test('A block that arrives, or a first request, gives the peer its whole time again.', t => {
  const watch = new DeliveryWatch({ leastBytes })
  for (let count = 0; count < checks; count += 1) watch.check()
  watch.bytesArrived(leastBytes - 1)
  watch.restart()
  watch.bytesArrived(leastBytes - 1)
  t.is(checksPassed(watch), checks)
})
