// What waits in a tracker's queue is still dropped once its sender is cut off, or has been answered too much.

import { setImmediate as nextTurn } from 'node:timers/promises'
import test from 'ava'
import type { Msg } from 'nats'
import { createIntake, inboxOfUser, type Taken } from '../../../src/actors/tracker/intake.ts'
import { sourceOfDevice } from '../../../src/actors/tracker/message-source.ts'
import { apiSubject } from '../../../src/wire/subjects.ts'

const eve = { user: 'eve', device: '0'.repeat(12) }
const subject = apiSubject(eve, 'read', 'group.list')

function fixture(take: (message: Taken) => void) {
  const state = { admits: true, mayAnswer: true, charged: 0, answers: [] as string[] }
  const load = {
    admits: () => state.admits,
    mayAnswer: () => state.mayAnswer,
    cutOff() {},
    charge(_room: unknown, _source: unknown, bytes: number) {
      state.charged += bytes
    },
    admitsConnection: () => true,
    isRefused: () => false,
    close() {},
  }
  const intake = { room: 'reads', sourceOf: sourceOfDevice, inboxOf: inboxOfUser, take } as const
  const hear = createIntake(load, intake, error => {
    throw error
  })
  const send = (reply = '_INBOX_eve.1') =>
    hear(null, {
      subject,
      reply,
      data: new Uint8Array(),
      respond: (text: string) => state.answers.push(text) > 0,
    } as unknown as Msg)
  return { state, send }
}
const turns = async (count: number) => {
  for (let at = 0; at < count; at++) await nextTurn()
}

test('A message is taken when its turn comes, and the bytes of its answer count as its sender’s.', async t => {
  const { state, send } = fixture(message => message.answer('größer'))
  send()
  t.deepEqual(state.answers, [], 'not within the turn that heard it')
  await turns(2)
  t.deepEqual(state.answers, ['größer'])
  t.is(state.charged, 8)
})

test('What waits is dropped once its sender is cut off or has been answered too much.', async t => {
  const { state, send } = fixture(message => {
    message.answer('x')
    state.mayAnswer = false
  })
  for (let at = 0; at < 5; at++) send()
  await turns(10)
  t.deepEqual(state.answers, ['x'])
})

test('A message that is too much, or wants its answer in another’s inbox, never waits.', async t => {
  const { state, send } = fixture(message => message.answer('x'))
  send('_INBOX_ann.1')
  state.admits = false
  send()
  await turns(3)
  t.deepEqual(state.answers, [])
})
