import test from 'ava'
import { applyInspection, emptyModel } from '../../../../src/visualizer/page/data/model.ts'
import { createTape, type Line, readRecording } from '../../../../src/visualizer/page/data/recording.ts'
import type { Inspection } from '../../../../src/wire/inspection.ts'

const subject = 'shoal.inspect.alice.aaaaaaaaaaaa.x'
const run = '0'.repeat(16)

/** The n-th step, of an actor that is its own, or one of so many that take turns. */
function step(n: number, actors = Number.POSITIVE_INFINITY): Line {
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

test('However long it runs, and however many actors come and go, what is kept is bounded.', t => {
  const most = 300_000
  const tape = createTape(most)
  for (let n = 0; n < 5_000; n += 1) tape.add(step(n))
  t.true(tape.first > 4_000)
  t.true(tape.lines.length > 100)
  t.true(tape.lines.length * 1_500 <= most)
  t.true(tape.steps.size <= tape.lines.length)
  for (const [step] of tape.steps.values()) t.true(step!.place >= tape.first, 'it can be gone back to')
})

test('A line costs what it lists: a few that are long take the room of many.', t => {
  const said = { at: 1, from: null, to: 'x:1', event: 'piece.verified', count: 1 }
  const long: Inspection = { run, n: 0, at: 0, kind: 'messages', messages: Array(100).fill(said), omitted: 0 }
  const tape = createTape(300_000)
  for (let n = 0; n < 200; n += 1) tape.add({ at: n, type: 'message', subject, message: { ...long, n } })
  t.true(tape.lines.length < 30)
})

test('Any earlier moment is what the lines up to it make, also once those before it are forgotten.', t => {
  const tape = createTape(60_000)
  const lines = Array.from({ length: 100 }, (_, n) => step(n, 7))
  for (const line of lines) tape.add(line)
  t.true(tape.first > 0)
  for (const place of [99, tape.first, tape.first + 10, 98, tape.first + 3]) {
    const expected = emptyModel()
    for (const line of lines.slice(0, place + 1))
      if (line.type === 'message') applyInspection(expected, line.subject, line.message)
    t.deepEqual(statesIn(tape.at(place)), statesIn(expected), `place ${place}`)
  }
})

test('What is saved is read again, with what was known before the tape began.', t => {
  const tape = createTape(60_000)
  for (let n = 0; n < 100; n += 1) tape.add(step(n, 90))
  const read = readRecording(tape.save('1.2.3', { user: 'alice', device: 'a'.repeat(12) }))
  if (!read.ok) return t.fail(read.message)
  t.is(read.broken, 0)
  const again = createTape()
  for (const line of read.lines) again.add(line)
  t.deepEqual(new Map(statesIn(again.present) as []), new Map(statesIn(tape.present) as []))
  t.is(statesIn(again.present).length, 90)
})

test('A line that is of no recording is left out and counted; a file that is none is refused.', t => {
  const tape = createTape()
  tape.add(step(0))
  const text = tape.save('1.2.3', null)
  const read = readRecording(`${text}{"ms":1,"type":"message","subject":"x","message":{}}\nnonsense\n`)
  t.like(read, { ok: true, broken: 2 })
  t.like(readRecording('nonsense'), { ok: false })
})
