import test from 'ava'
import { inspectionTunables } from '../../../config/inspection.ts'
import { type Content, InspectionPublisher } from '../../../src/actors/inspection/inspection-publisher.ts'
import { readInspection } from '../../../src/wire/inspection.ts'
import { inspectionBounds } from '../../../src/wire/inspection-bounds.ts'

const me = { user: 'alice', device: 'a'.repeat(12) }

/** A broker that takes nothing until `take` is called. */
function stuckBroker() {
  const published: { subject: string; data: string }[] = []
  const flushed = Promise.withResolvers<void>()
  return {
    published,
    take: flushed.resolve,
    connection: {
      publish: (subject: string, data?: unknown) => void published.push({ subject, data: String(data) }),
      flush: () => flushed.promise,
      isClosed: () => false,
    },
  }
}
const content = (length: number): Content => ({
  kind: 'messages',
  messages: Array.from({ length }, () => ({ at: 1, from: null, to: 'x:1', event: 'e'.repeat(200), count: 1 })),
  omitted: 0,
})

test('Messages beyond the bound are dropped until the broker has room again.', async t => {
  const broker = stuckBroker()
  const recovered = Promise.withResolvers<void>()
  const publisher = new InspectionPublisher(broker.connection, me, recovered.resolve)
  let taken = 0
  while (publisher.publish('a.b *', content(100))) taken += 1
  const bytes = broker.published.reduce((sum, { data }) => sum + data.length, 0)
  t.true(bytes <= inspectionTunables.mostBytesOnTheirWay)
  t.true(bytes > inspectionTunables.mostBytesOnTheirWay / 2)
  for (let more = 0; more < 1_000; more += 1) publisher.publish('x', content(100))
  t.is(broker.published.length, taken)
  t.is(broker.published[0]!.subject, 'shoal.inspect.alice.aaaaaaaaaaaa.a_b__')
  broker.take()
  await recovered.promise
  t.true(publisher.publish('x', content(1)))
  const messages = broker.published.map(({ data }) => readInspection(Buffer.from(data))!)
  t.deepEqual(
    messages.map(({ n }) => n),
    messages.map((_, n) => n),
  )
})

test('A lost connection takes what was on its way with it, and asks for a new snapshot.', async t => {
  const broker = stuckBroker()
  const recovered = Promise.withResolvers<void>()
  const flush = () => Promise.reject(new Error('disconnected'))
  const publisher = new InspectionPublisher({ ...broker.connection, flush }, me, recovered.resolve)
  while (publisher.publish('x', content(100)));
  await recovered.promise
  t.true(publisher.publish('x', content(100)))
})

test('A message above the size limit is neither sent nor read.', t => {
  const broker = stuckBroker()
  const publisher = new InspectionPublisher(broker.connection, me, () => {})
  t.false(publisher.publish('x', content(2_000)))
  t.is(broker.published.length, 0)
  const head = { run: '0'.repeat(16), n: 0, at: 0 }
  const long = JSON.stringify({ ...head, ...content(inspectionBounds.messagesPerBatch + 1) })
  t.is(readInspection(Buffer.from(long)), undefined)
  t.truthy(readInspection(Buffer.from(JSON.stringify({ ...head, ...content(inspectionBounds.messagesPerBatch) }))))
  t.is(readInspection(Buffer.from(' '.repeat(inspectionBounds.messageBytes + 1))), undefined)
  t.is(readInspection(Buffer.from('{')), undefined)
})
