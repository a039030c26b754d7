import test from 'ava'
import { presenceTunables } from '../../../config/client.ts'
import { listenForNotices } from '../../../src/actors/agent/notice-listener.ts'
import type { Notice } from '../../../src/wire/notice.ts'
import { noticeSubject } from '../../../src/wire/subjects.ts'

function startListening() {
  const heard: Notice[] = []
  let hear: (error: Error | null, message: unknown) => void = () => {}
  let subject: string | undefined
  const connection = {
    subscribe(to: string, { callback }: { callback: typeof hear }) {
      subject = to
      hear = callback
      return { unsubscribe: () => (subject = undefined) }
    },
  }
  const stop = listenForNotices(connection as never, 'alice', notice => heard.push(notice))
  const say = (body: string) => hear(null, { data: Buffer.from(body) })
  return { heard, say, stop, subject: () => subject, fail: (error: Error) => hear(error, undefined) }
}
const notice = (seq: number) => ({ seq, group: 'reef', type: 'join.accepted' }) as const

test('Each notice is heard once, however many trackers send it.', t => {
  const { heard, say, subject, stop } = startListening()
  t.is(subject(), noticeSubject('alice'))
  for (const seq of [1, 1, 2, 1]) say(JSON.stringify(notice(seq)))
  t.deepEqual(heard, [notice(1), notice(2)])
  stop()
  t.is(subject(), undefined)
})

test('Only the last notices are remembered, so that memory stays bounded.', t => {
  const { heard, say } = startListening()
  for (let seq = 1; seq <= presenceTunables.rememberedNotices + 1; seq += 1) say(JSON.stringify(notice(seq)))
  heard.length = 0
  say(JSON.stringify(notice(2)))
  t.deepEqual(heard, [])
  say(JSON.stringify(notice(1)))
  t.deepEqual(heard, [notice(1)])
})

test('An unreadable notice and a refused subscription are passed over.', t => {
  const { heard, say, fail } = startListening()
  for (const body of ['', 'no JSON', '{}', JSON.stringify({ ...notice(1), type: 'of a later version' })]) say(body)
  fail(new Error('permissions violation'))
  t.deepEqual(heard, [])
})
