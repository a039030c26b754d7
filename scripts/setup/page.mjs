// Builds the visualizer's page, unless it is newer than its sources.

import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { run, SetupFailed, step } from './step.mjs'

/** The page, what it imports of ours, its build, and the packages, by their lock. */
const sources = [
  'src/visualizer/page',
  'src/wire',
  'src/domain',
  'config',
  'scripts/build-page.ts',
  'package-lock.json',
]

export async function ensurePage(root, env) {
  if (modifiedAt(join(root, 'dist/visualizer/page.js')) >= Math.max(...sources.map(name => latest(join(root, name)))))
    return
  await step("building the visualizer's page", async () => {
    const { ok, output } = await run('node', [join(root, 'scripts/build-page.ts')], { cwd: root, env })
    if (!ok) throw new SetupFailed(`the page could not be built:\n${output.trim()}`)
  })
}

function latest(path) {
  if (!statSync(path).isDirectory()) return modifiedAt(path)
  return Math.max(...readdirSync(path).map(name => latest(join(path, name))))
}

function modifiedAt(path) {
  return statSync(path, { throwIfNoEntry: false })?.mtimeMs ?? 0
}
