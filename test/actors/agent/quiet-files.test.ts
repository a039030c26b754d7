import test from 'ava'
import { QuietFiles } from '../../../src/actors/agent/quiet-files.ts'

function quietFiles() {
  const clock = { now: 0 }
  const files = new QuietFiles({ quietMs: 10, mostMs: 50, most: 2 }, () => clock.now)
  return { clock, files }
}

test('A file is quiet once it has been left alone, and is then forgotten.', t => {
  const { clock, files } = quietFiles()
  files.add('/a')
  clock.now = 9
  t.deepEqual(files.take(), [])
  files.add('/a')
  clock.now = 18
  t.deepEqual(files.take(), [])
  clock.now = 19
  t.deepEqual([files.take(), files.take(), files.size], [['/a'], [], 0])
})

test('A file that never is left alone counts as quiet after a while.', t => {
  const { clock, files } = quietFiles()
  for (; clock.now < 50; clock.now += 5) {
    files.add('/a')
    t.deepEqual(files.take(), [])
  }
  t.deepEqual(files.take(), ['/a'])
})

test('It says when there is no room for a file.', t => {
  const { files } = quietFiles()
  t.deepEqual([files.add('/a'), files.add('/b'), files.add('/a'), files.add('/c')], [true, true, true, false])
  files.clear()
  t.is(files.size, 0)
})
