import test from 'ava'
import { createEmptyActor } from 'xstate'
import { MessageBatch } from '../../../src/actors/inspection/message-batch.ts'
import { inspectionBounds } from '../../../src/wire/inspection-bounds.ts'

const actors = () => [createEmptyActor(), createEmptyActor()] as const

test('The same message is one entry with a count; another sender, receiver or event is another entry.', t => {
  const [one, other] = actors()
  const batch = new MessageBatch()
  for (let time = 0; time < 3; time += 1) batch.add(one, other, 'ping')
  batch.add(other, one, 'ping')
  batch.add(undefined, other, 'ping')
  batch.add(one, other, 'pong')
  const { messages, omitted } = batch.take()!
  t.deepEqual(
    messages.map(({ from, to, event, count }) => [from, to, event, count]),
    [
      [one.sessionId, other.sessionId, 'ping', 3],
      [other.sessionId, one.sessionId, 'ping', 1],
      [null, other.sessionId, 'ping', 1],
      [one.sessionId, other.sessionId, 'pong', 1],
    ],
  )
  t.is(omitted, 0)
})

test('Counting restarts after a batch is taken, and an empty batch is not reported.', t => {
  const [one, other] = actors()
  const batch = new MessageBatch()
  t.is(batch.take(), undefined)
  batch.add(one, other, 'ping')
  batch.take()
  t.is(batch.take(), undefined)
  batch.add(one, other, 'ping')
  t.is(batch.take()?.messages[0]?.count, 1)
})

test('Beyond the bound, new kinds of message are only counted, while known ones keep their entries.', t => {
  const [one, other] = actors()
  const batch = new MessageBatch()
  for (let event = 0; event < inspectionBounds.messagesPerBatch + 5; event += 1) batch.add(one, other, `event ${event}`)
  batch.add(one, other, 'event 0')
  const { messages, omitted } = batch.take()!
  t.is(messages.length, inspectionBounds.messagesPerBatch)
  t.is(omitted, 5)
  t.is(messages[0]?.count, 2)
})
