import test from 'ava'
import pino from 'pino'
import { guessTunables, trackerTunables } from '../../../config/tracker.ts'
import { createAttemptCounts } from '../../../src/actors/tracker/attempt-counts.ts'

/** Two trackers that hear each other, and what each writes down. */
function fixture() {
  const clock = { nowMs: 0 }
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const books = ['t1', 't2'].map(name => {
    const publish = (_: string, data: unknown) => {
      // A tracker hears itself, too.
      for (const book of books) book.hear({ data: Buffer.from(String(data)) })
    }
    return createAttemptCounts({ name, log }, { publish }, () => clock.nowMs)
  })
  const [one, two] = books as [(typeof books)[0], (typeof books)[0]]
  return { clock, lines, one, two }
}
const attempt = { origin: '10.0.0.7', target: 'alice', isKnown: false }

test('What one tracker allows counts at the others, so two allow no more than one.', t => {
  const { one, two } = fixture()
  let allowed = 0
  for (let round = 0; round < 100; round++)
    for (const book of [one, two]) if (book.guesses.begin(attempt) === 0) allowed++
  t.is(allowed, guessTunables.limits.perOrigin.atOnce)
  t.is(two.signUps.begin(attempt), 0)
})

test('What one tracker gives back is given back at the others.', t => {
  const { one, two } = fixture()
  while (one.guesses.begin(attempt) === 0);
  t.true(two.guesses.begin(attempt) > 0)
  one.guesses.giveBack(attempt)
  t.is(two.guesses.begin(attempt), 0)
  t.true(two.guesses.begin(attempt) > 0)
})

test('What is no message of a tracker changes nothing.', t => {
  const { one } = fixture()
  for (const text of ['', 'null', '{}', JSON.stringify({ by: 't9', what: 'guess', how: 'counted', attempt: {} })])
    t.notThrows(() => one.hear({ data: Buffer.from(text) }))
  t.is(one.guesses.begin(attempt), 0)
})

test('A flood is said in the log once in a while, and how large it was.', t => {
  const { clock, lines, one } = fixture()
  for (let time = 0; time < 1_000; time++) one.guesses.begin(attempt)
  t.is(lines.length, 1)
  clock.nowMs = trackerTunables.logSlowedEveryMs
  for (let time = 0; time < 1_000; time++) one.guesses.begin(attempt)
  t.is(lines.length, 2)
  t.true((JSON.parse(lines[1]!) as { slowed: number }).slowed > 900)
})
