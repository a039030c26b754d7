import test from 'ava'
import pino from 'pino'
import { guessTunables, trackerTunables } from '../../../config/tracker.ts'
import { createAttemptCounts } from '../../../src/actors/tracker/attempt-counts.ts'

/** Two trackers that hear each other, and what each writes down. */
function fixture() {
  const clock = { nowMs: 0 }
  const lines: string[] = []
  const log = pino({}, { write: line => void lines.push(line) })
  const trackers = ['t1', 't2'].map(name => {
    const publish = (_: string, data: unknown) => {
      // A tracker hears itself, too.
      for (const tracker of trackers) tracker.receive({ data: Buffer.from(String(data)) })
    }
    return createAttemptCounts({ name, log }, { publish }, () => clock.nowMs)
  })
  const [one, two] = trackers as [(typeof trackers)[0], (typeof trackers)[0]]
  return { clock, lines, one, two }
}
const attempt = { origin: '10.0.0.7', target: 'alice', isKnown: false }

test('An attempt that one tracker allows counts at the others, so two allow no more than one.', t => {
  const { one, two } = fixture()
  let allowed = 0
  for (let round = 0; round < 100; round++)
    for (const tracker of [one, two]) if (tracker.guesses.begin(attempt) === 0) allowed++
  t.is(allowed, guessTunables.limits.perOrigin.atOnce)
  t.is(two.signUps.begin(attempt), 0)
})

test('An attempt that one tracker takes back is taken back at the others.', t => {
  const { one, two } = fixture()
  while (one.guesses.begin(attempt) === 0);
  t.true(two.guesses.begin(attempt) > 0)
  one.guesses.giveBack(attempt)
  t.is(two.guesses.begin(attempt), 0)
  t.true(two.guesses.begin(attempt) > 0)
})

test('A malformed message changes nothing.', t => {
  const { one } = fixture()
  for (const text of ['', 'null', '{}', JSON.stringify({ by: 't9', what: 'guess', how: 'counted', attempt: {} })])
    t.notThrows(() => one.receive({ data: Buffer.from(text) }))
  t.is(one.guesses.begin(attempt), 0)
})

test('A flood of attempts is logged once a minute, with its size.', t => {
  const { clock, lines, one } = fixture()
  for (let time = 0; time < 1_000; time++) one.guesses.begin(attempt)
  t.is(lines.length, 1)
  clock.nowMs = trackerTunables.logSlowedEveryMs
  for (let time = 0; time < 1_000; time++) one.guesses.begin(attempt)
  t.is(lines.length, 2)
  t.true((JSON.parse(lines[1]!) as { slowed: number }).slowed > 900)
})
