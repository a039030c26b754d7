// What of our messages becomes which events of Stately's protocol; on the wire: test/integration/stately.test.ts.

import test from 'ava'
import { definitionDigests } from '../../../src/charts/definition-digests.ts'
import { allMachines } from '../../../src/machines/all-machines.ts'
import { createStatelyEvents } from '../../../src/visualizer/server/stately-translator.ts'
import type { InspectedActor } from '../../../src/wire/inspected-actor.ts'
import type { Inspection } from '../../../src/wire/inspection.ts'

const subject = 'shoal.inspect.alice.aaaaaaaaaaaa.x'
const run = '0'.repeat(16)
const actor = (id: string, more: Partial<InspectedActor> = {}): InspectedActor => ({
  id,
  parent: 'x:0',
  name: `link:${id}`,
  kind: 'machine',
  machine: 'downloadSession',
  status: 'active',
  state: 'backingOff',
  context: { failures: 1 },
  error: null,
  at: 5,
  ...more,
})
const root = actor('x:0', { parent: null, name: 'agent', machine: 'agent', state: 'online' })
const picture = (actors: InspectedActor[], more: object = {}): Inspection => ({
  run,
  n: 0,
  at: 1,
  kind: 'picture',
  watcher: null,
  part: 0,
  parts: 1,
  actors,
  definitions: definitionDigests(),
  ...more,
})
const step = (of: InspectedActor, event = 'e'): Inspection => ({
  run,
  n: 1,
  at: 1,
  kind: 'step',
  actor: of,
  event,
  from: null,
  transitions: [],
  merged: 1,
})
const started = () => {
  const translate = createStatelyEvents(allMachines, definitionDigests())
  return (message: Inspection) => translate(subject, message)
}
const inShort = (events: ReturnType<ReturnType<typeof started>>) =>
  events.map(event => `${event.type.slice(8)} ${event.sessionId.slice(run.length + 1)}`)

test('An actor is announced once, before anything else is said of it, and again after it has ended.', t => {
  const tell = started()
  t.deepEqual(inShort(tell(step(actor('x:1')))), [], 'nothing is known of its parents yet')
  t.deepEqual(inShort(tell(picture([root, actor('x:1')]))), ['actor x:0', 'actor x:1'])
  t.deepEqual(inShort(tell(step(actor('x:1')))), ['snapshot x:1'])
  t.deepEqual(inShort(tell(step(actor('x:2')))), ['actor x:2', 'snapshot x:2'])
  t.deepEqual(inShort(tell(step(actor('x:2', { status: 'done' })))), ['snapshot x:2'])
  t.deepEqual(inShort(tell(step(actor('x:2')))), ['actor x:2', 'snapshot x:2'])
})

test('A child that is told of before its parent is announced right after it, as it is by then.', t => {
  const tell = started()
  tell(picture([root]))
  t.deepEqual(inShort(tell(step(actor('x:2', { parent: 'x:1' })))), [])
  t.deepEqual(inShort(tell(step(actor('x:2', { parent: 'x:1', state: 'closed' })))), [])
  const events = tell(step(actor('x:1')))
  t.deepEqual(inShort(events), ['actor x:1', 'actor x:2', 'snapshot x:1'])
  t.like(events[1], { snapshot: { value: 'closed' } })
})

test('Who is in no part of a picture has stopped.', t => {
  const tell = started()
  tell(picture([root, actor('x:1'), actor('x:2')]))
  t.deepEqual(inShort(tell(picture([root], { part: 0, parts: 2 }))), ['snapshot x:0'])
  const events = tell(picture([actor('x:2')], { part: 1, parts: 2 }))
  t.deepEqual(inShort(events), ['snapshot x:2', 'snapshot x:1'])
  t.like(events.at(-1), { snapshot: { status: 'stopped' } })
})

test('A machine comes with its configuration, unless that process runs another version of it.', t => {
  const [first, second] = [started(), started()]
  const own = first(picture([root])).at(0)!
  t.is(own.type === '@xstate.actor' ? JSON.parse(own.definition).initial : undefined, 'loggedOut')
  t.like(own, { name: 'alice on aaaaaa agent', rootId: own.sessionId })
  const other = second(picture([root], { definitions: { ...definitionDigests(), agent: 'another' } })).at(0)!
  t.is(other.type === '@xstate.actor' ? other.definition : undefined, '{"id":"alice on aaaaaa agent"}')
})

test('What is said to somebody who is not known is left out, and so is a sender who is not.', t => {
  const tell = started()
  tell(picture([root, actor('x:1')]))
  const said = (from: string | null, to: string) => ({ at: 7, from, to, event: 'ping', count: 1 })
  const messages = [said('x:0', 'x:1'), said('x:9', 'x:1'), said(null, 'x:0'), said('x:0', 'x:9')]
  const events = tell({ run, n: 2, at: 1, kind: 'messages', messages, omitted: 0 })
  t.deepEqual(inShort(events), ['event x:1', 'event x:1', 'event x:0'])
  t.deepEqual(
    events.map(event => (event.type === '@xstate.event' ? event.sourceId : 'none')),
    [`${run}:x:0`, undefined, undefined],
  )
})
