import test from 'ava'
import { applyInspection, emptyModel } from '../../../../src/visualizer/page/data/model.ts'
import { readRecording } from '../../../../src/visualizer/page/data/read-recording.ts'
import { type RecordedLine, Recording } from '../../../../src/visualizer/page/data/recording.ts'
import type { Inspection } from '../../../../src/wire/inspection.ts'

const subject = 'shoal.inspect.alice.aaaaaaaaaaaa.x'
const run = '0'.repeat(16)

/** The n-th step: each of an actor of its own, or of `actors` actors in rotation. */
function step(n: number, actors = Number.POSITIVE_INFINITY): RecordedLine {
  const message: Inspection = {
    run,
    n,
    at: n,
    kind: 'step',
    actor: {
      id: `x:${n % actors}`,
      parent: null,
      name: 'download:1',
      kind: 'machine',
      machine: 'download',
      status: 'active',
      state: `state ${n}`,
      context: {},
      error: null,
      at: n,
    },
    event: 'piece.verified',
    from: null,
    transitions: [],
    merged: 1,
  }
  return { at: n, type: 'message', subject, message }
}

const statesIn = (model: ReturnType<typeof emptyModel>) =>
  [...model.processes.values()].flatMap(({ actors }) => [...actors.values()].map(({ id, state }) => [id, state]))

test('A recording stays bounded however long it runs and however many actors come and go.', t => {
  const most = 300_000
  const recording = new Recording(most)
  for (let n = 0; n < 5_000; n += 1) recording.add(step(n))
  t.true(recording.first > 4_000)
  t.true(recording.lines.length > 100)
  t.true(recording.lines.length * 1_500 <= most)
  t.true(recording.steps.size <= recording.lines.length)
  for (const [step] of recording.steps.values())
    t.true(step!.position >= recording.first, 'the step can still be shown')
})

test('A long line takes more of the bound than a short one.', t => {
  const said = { at: 1, from: null, to: 'x:1', event: 'piece.verified', count: 1 }
  const long: Inspection = { run, n: 0, at: 0, kind: 'messages', messages: Array(100).fill(said), omitted: 0 }
  const recording = new Recording(300_000)
  for (let n = 0; n < 200; n += 1) recording.add({ at: n, type: 'message', subject, message: { ...long, n } })
  t.true(recording.lines.length < 30)
})

test('An earlier moment shows the result of the lines up to it, even after the oldest were dropped.', t => {
  const recording = new Recording(60_000)
  const lines = Array.from({ length: 100 }, (_, n) => step(n, 7))
  for (const line of lines) recording.add(line)
  t.true(recording.first > 0)
  for (const position of [99, recording.first, recording.first + 10, 98, recording.first + 3]) {
    const expected = emptyModel()
    for (const line of lines.slice(0, position + 1))
      if (line.type === 'message') applyInspection(expected, line.subject, line.message)
    t.deepEqual(statesIn(recording.at(position)), statesIn(expected), `position ${position}`)
  }
})

test('A saved recording can be read again, including the state before its first line.', t => {
  const recording = new Recording(60_000)
  for (let n = 0; n < 100; n += 1) recording.add(step(n, 90))
  const read = readRecording(recording.save('1.2.3', { user: 'alice', device: 'a'.repeat(12) }))
  if (!read.ok) return t.fail(read.message)
  t.is(read.broken, 0)
  const again = new Recording()
  for (const line of read.lines) again.add(line)
  t.deepEqual(new Map(statesIn(again.present) as []), new Map(statesIn(recording.present) as []))
  t.is(statesIn(again.present).length, 90)
})

test('Lines that do not belong to a recording are skipped and counted; a file that is not a recording is refused.', t => {
  const recording = new Recording()
  recording.add(step(0))
  const text = recording.save('1.2.3', null)
  const read = readRecording(`${text}{"ms":1,"type":"message","subject":"x","message":{}}\nnonsense\n`)
  t.like(read, { ok: true, broken: 2 })
  t.like(readRecording('nonsense'), { ok: false })
})
