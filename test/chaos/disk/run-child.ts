// Runs one of our programs in a process with additions to its environment, and reads the JSON that it prints.

import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)

export async function runChild(
  program: string,
  args: readonly string[],
  env: Readonly<Record<string, string>>,
): Promise<Record<string, unknown>> {
  const { stdout } = await run(process.execPath, [program, ...args], {
    env: { ...process.env, ...env },
    timeout: 60_000,
  })
  return JSON.parse(stdout) as Record<string, unknown>
}
