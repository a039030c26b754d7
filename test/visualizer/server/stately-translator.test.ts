// Which of our messages become which events of Stately's protocol. Over the wire: test/integration/stately.test.ts.

import { readFileSync } from 'node:fs'
import type { StatelyInspectionEvent } from '@statelyai/inspect'
import test from 'ava'
import { definitionDigests } from '../../../src/charts/definition-digests.ts'
import { allMachines } from '../../../src/machines/all-machines.ts'
import {
  type StatelyEvent,
  StatelyTranslator,
  statelyVersion,
} from '../../../src/visualizer/server/stately-translator.ts'
import type { InspectedActor } from '../../../src/wire/inspected-actor.ts'
import type { Inspection } from '../../../src/wire/inspection.ts'

/** Theirs is typed as XState's own snapshot, whose fields the receiver does not all read. */
type WithoutSnapshot<E> = E extends unknown ? Omit<E, 'snapshot'> : never

const subject = 'shoal.inspect.alice.aaaaaaaaaaaa.x'
const run = '0'.repeat(16)
const actor = (id: string, more: Partial<InspectedActor> = {}): InspectedActor => ({
  id,
  parent: 'x:0',
  name: `session:${id}`,
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
const snapshot = (actors: InspectedActor[], more: object = {}): Inspection => ({
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
  const translator = new StatelyTranslator(allMachines, definitionDigests())
  return (message: Inspection) => translator.translate(subject, message)
}
const inShort = (events: ReturnType<ReturnType<typeof started>>) =>
  events.map(event => `${event.type.slice(8)} ${event.sessionId.slice(run.length + 1)}`)

test('An actor is announced once, before anything else about it, and again after it has ended.', t => {
  const tell = started()
  t.deepEqual(inShort(tell(step(actor('x:1')))), [], 'its parents are not known yet')
  t.deepEqual(inShort(tell(snapshot([root, actor('x:1')]))), ['actor x:0', 'actor x:1'])
  t.deepEqual(inShort(tell(step(actor('x:1')))), ['snapshot x:1'])
  t.deepEqual(inShort(tell(step(actor('x:2')))), ['actor x:2', 'snapshot x:2'])
  t.deepEqual(inShort(tell(step(actor('x:2', { status: 'done' })))), ['snapshot x:2'])
  t.deepEqual(inShort(tell(step(actor('x:2')))), ['actor x:2', 'snapshot x:2'])
})

test('A child reported before its parent is announced right after it, in its latest state.', t => {
  const tell = started()
  tell(snapshot([root]))
  t.deepEqual(inShort(tell(step(actor('x:2', { parent: 'x:1' })))), [])
  t.deepEqual(inShort(tell(step(actor('x:2', { parent: 'x:1', state: 'closed' })))), [])
  const events = tell(step(actor('x:1')))
  t.deepEqual(inShort(events), ['actor x:1', 'actor x:2', 'snapshot x:1'])
  t.like(events[1], { snapshot: { value: 'closed' } })
})

test('An actor that is missing from all parts of a snapshot has stopped.', t => {
  const tell = started()
  tell(snapshot([root, actor('x:1'), actor('x:2')]))
  t.deepEqual(inShort(tell(snapshot([root], { part: 0, parts: 2 }))), ['snapshot x:0'])
  const events = tell(snapshot([actor('x:2')], { part: 1, parts: 2 }))
  t.deepEqual(inShort(events), ['snapshot x:2', 'snapshot x:1'])
  t.like(events.at(-1), { snapshot: { status: 'stopped' } })
})

test('A machine is sent with its configuration, unless the process runs another version of it.', t => {
  const [first, second] = [started(), started()]
  const own = first(snapshot([root])).at(0)!
  t.is(own.type === '@xstate.actor' ? JSON.parse(own.definition).initial : undefined, 'loggedOut')
  t.like(own, { name: 'alice on aaaaaa agent', rootId: own.sessionId })
  const other = second(snapshot([root], { definitions: { ...definitionDigests(), agent: 'another' } })).at(0)!
  t.is(other.type === '@xstate.actor' ? other.definition : undefined, '{"id":"alice on aaaaaa agent"}')
})

test('A message to an unknown actor is left out, and so is an unknown sender.', t => {
  const tell = started()
  tell(snapshot([root, actor('x:1')]))
  const said = (from: string | null, to: string) => ({ at: 7, from, to, event: 'ping', count: 1 })
  const messages = [said('x:0', 'x:1'), said('x:9', 'x:1'), said(null, 'x:0'), said('x:0', 'x:9')]
  const events = tell({ run, n: 2, at: 1, kind: 'messages', messages, omitted: 0 })
  t.deepEqual(inShort(events), ['event x:1', 'event x:1', 'event x:0'])
  t.deepEqual(
    events.map(event => (event.type === '@xstate.event' ? event.sourceId : 'none')),
    [`${run}:x:0`, undefined, undefined],
  )
})

test('The events match those of the installed version of Stately’s own package.', t => {
  const packageFile = new URL('../../../node_modules/@statelyai/inspect/package.json', import.meta.url)
  t.is(statelyVersion, JSON.parse(readFileSync(packageFile, 'utf8')).version)
  const tell = started()
  const said = { at: 7, from: 'x:0', to: 'x:1', event: 'ping', count: 1 }
  const events: StatelyEvent[] = [
    ...tell(snapshot([root, actor('x:1')])),
    ...tell({ run, n: 2, at: 1, kind: 'messages', messages: [said], omitted: 0 }),
    ...tell(step(actor('x:1', { status: 'done' }))),
  ]
  // Does not compile once Stately's receiver reads a field that ours lacks.
  const theirs: readonly WithoutSnapshot<StatelyInspectionEvent>[] = events
  t.deepEqual(
    theirs.map(({ type }) => type),
    ['@xstate.actor', '@xstate.actor', '@xstate.event', '@xstate.snapshot'],
  )
})
