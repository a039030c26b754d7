// Installs what package-lock.json names, which brings a Node that runs TypeScript.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { run, SetupFailed, step } from './step.mjs'

export async function ensurePackages(root, env) {
  if (!areInstalled(root)) {
    await step('installing the packages that package-lock.json names (npm ci)', async () => {
      // No package needs an install script, so none may run one.
      const options = ['--ignore-scripts', '--no-audit', '--no-fund', '--loglevel=error']
      const { ok, output } = await run('npm', ['ci', ...options], { cwd: root, env })
      if (!ok)
        throw new SetupFailed(
          `npm ci failed; check that this machine reaches its npm registry. It said:\n${output.trim()}`,
        )
    })
  }
  const { output } = await run('node', ['--version'], { env })
  const [, major, minor] = (/^v(\d+)\.(\d+)\./.exec(output) ?? []).map(Number)
  if (!(major > 22 || (major === 22 && minor >= 18)))
    throw new SetupFailed(
      `this needs Node 22.18 or newer, and found ${output.trim()}; no package brings one for ${process.platform}-${process.arch}, so install it from https://nodejs.org`,
    )
}

// npm records what it installed; packages for other systems are in the lock alone.
function areInstalled(root) {
  const lock = read(join(root, 'package-lock.json'))
  const installed = read(join(root, 'node_modules', '.package-lock.json'))
  if (lock === undefined || installed === undefined) return false
  return Object.entries(lock.packages).every(([path, wanted]) => {
    if (path === '') return true
    const found = installed.packages[path]
    return found === undefined ? wanted.optional === true : found.integrity === wanted.integrity
  })
}

function read(file) {
  try {
    return JSON.parse(readFileSync(file, 'utf8'))
  } catch {
    return undefined
  }
}
