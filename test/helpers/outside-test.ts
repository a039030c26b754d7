// For programs that use the helpers of tests and are no test: what those want of one. Torn down last first.

import type { ExecutionContext } from 'ava'

export interface OutsideTest {
  readonly t: ExecutionContext
  end(): Promise<void>
}

export function outsideTest(): OutsideTest {
  const teardowns: (() => unknown)[] = []
  const t = {
    passed: true,
    log: () => {},
    teardown: (action: () => unknown) => void teardowns.push(action),
  }
  return {
    t: t as unknown as ExecutionContext,
    async end() {
      for (const action of teardowns.reverse()) await action()
    },
  }
}
