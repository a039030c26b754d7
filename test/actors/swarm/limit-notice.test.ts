import test from 'ava'
import { uploadTunables } from '../../../config/swarm.ts'
import { LimitNotice } from '../../../src/actors/swarm/limit-notice.ts'

function start() {
  const sent: number[] = []
  const throttle: { bytesPerSecond: number | undefined } = { bytesPerSecond: undefined }
  const notice = new LimitNotice(throttle, bytesPerSecond => sent.push(bytesPerSecond))
  const update = (bytesPerSecond: number | undefined) => {
    throttle.bytesPerSecond = bytesPerSecond
    notice.update()
  }
  return { sent, update }
}

test('No notice is sent without a cap.', t => {
  const { sent, update } = start()
  update(undefined)
  t.deepEqual(sent, [])
})

test('A cap is announced once, again when it changes, and as 0 when it is lifted.', t => {
  const { sent, update } = start()
  for (const limit of [7, 7, 8, undefined, undefined]) update(limit)
  t.deepEqual(sent, [7, 8, 0])
})

test('No more notices are sent than a peer accepts.', t => {
  const { sent, update } = start()
  for (let limit = 1; limit <= uploadTunables.limitsTold + 5; limit += 1) update(limit)
  t.is(sent.length, uploadTunables.limitsTold)
})
