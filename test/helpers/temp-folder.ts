// A folder of a test's own, gone when the test has ended; if the test failed, the logs in it are kept.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'
import { keepLogs } from './kept-logs.ts'

export function tempFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'))
  t.teardown(() => {
    const logs = t.passed ? undefined : keepLogs(folder, t.title)
    if (logs !== undefined) t.log(`logs: ${logs}`)
    rmSync(folder, { recursive: true, force: true })
  })
  return folder
}
