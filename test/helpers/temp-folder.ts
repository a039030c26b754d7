// A folder of a test's own, gone when the test has ended.

import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { ExecutionContext } from 'ava'

export function tempFolder(t: ExecutionContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-test-'))
  t.teardown(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}
