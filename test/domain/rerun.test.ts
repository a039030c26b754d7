import test from 'ava'
import { createRerun } from '../../src/domain/rerun.ts'

/** An action whose runs end when the test says so. */
function heldAction() {
  const runs: PromiseWithResolvers<number>[] = []
  const rerun = createRerun(() => {
    const run = Promise.withResolvers<number>()
    runs.push(run)
    return run.promise
  })
  return { runs, rerun }
}

test('An action that is not running starts at once.', async t => {
  const { runs, rerun } = heldAction()
  const asked = rerun()
  t.is(runs.length, 1)
  runs[0]?.resolve(1)
  t.is(await asked, 1)
})

test('An action requested several times while it runs is run once more, after the first run.', async t => {
  const { runs, rerun } = heldAction()
  const first = rerun()
  const later = [rerun(), rerun(), rerun()]
  t.is(runs.length, 1)
  runs[0]?.resolve(1)
  t.is(await first, 1)
  await Promise.resolve()
  runs[1]?.resolve(2)
  t.deepEqual(await Promise.all(later), [2, 2, 2])
  t.is(runs.length, 2)
})

test('A failed run reports its error only to the callers who requested it.', async t => {
  const { runs, rerun } = heldAction()
  const first = rerun()
  const second = rerun()
  runs[0]?.reject(new Error('first'))
  await t.throwsAsync(first, { message: 'first' })
  await Promise.resolve()
  runs[1]?.resolve(2)
  t.is(await second, 2)
})

test('After a run has ended, asking starts a new one.', async t => {
  const { runs, rerun } = heldAction()
  const first = rerun()
  runs[0]?.resolve(1)
  await first
  const second = rerun()
  t.is(runs.length, 2)
  runs[1]?.resolve(2)
  t.is(await second, 2)
})

test('Asked in the moment between two runs, it does not run twice at once.', async t => {
  let running = 0
  let mostAtOnce = 0
  const rerun = createRerun(async () => {
    running += 1
    mostAtOnce = Math.max(mostAtOnce, running)
    await Promise.resolve()
    running -= 1
  })
  const first = rerun()
  const second = rerun()
  // Goes on as soon as the first run has ended: the second is due by then, and has not begun.
  const third = first.then(() => rerun())
  await Promise.all([first, second, third])
  t.is(mostAtOnce, 1)
})
