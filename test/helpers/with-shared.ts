// What all tests of a file share: made before the first one, torn down after the last. If any of them failed, the logs
// of what they shared are kept.

import type { TestFn } from 'ava'
import { type OutsideTest, outsideTest } from './outside-test.ts'

/** Makes what `prepare` returns the context of every test; hand over its `t` wherever a helper wants a test's. */
export function withShared<Context>(
  test: TestFn<Context>,
  prepare: (t: OutsideTest['t']) => Promise<Context>,
): TestFn<Context> {
  const shared = outsideTest('shared')
  test.before('what the tests share', async t => {
    try {
      t.context = await prepare(shared.t)
    } catch (error) {
      shared.failed()
      throw error
    }
  })
  test.afterEach.always('whether the test failed', t => {
    if (!t.passed) shared.failed()
  })
  test.after.always('what the tests shared', t => shared.end(t.log))
  return test
}
