// Stands in for a test in programs that use the tests' helpers. Tears down in reverse order.

import type { ExecutionContext } from 'ava'

export interface OutsideTest {
  readonly t: ExecutionContext
  /** Before `end`: logs are kept then. */
  failed(): void
  /** `say` is told where logs are kept. */
  end(say?: (line: string) => void): Promise<void>
}

export function outsideTest(title = 'outside-a-test'): OutsideTest {
  const teardowns: (() => unknown)[] = []
  const lines: string[] = []
  let passed = true
  const t = {
    title,
    get passed() {
      return passed
    },
    log: (line: string) => void lines.push(line),
    teardown: (action: () => unknown) => void teardowns.push(action),
  }
  return {
    t: t as unknown as ExecutionContext,
    failed() {
      passed = false
    },
    async end(say = console.log) {
      for (const action of teardowns.splice(0).reverse()) await action()
      for (const line of lines.splice(0)) say(line)
    },
  }
}
