// Builds what the published package holds beside the sources that it needs as they are: the program, the page, and the
// licences of what is bundled.

import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPage } from './build-page.ts'
import { buildProgram } from './build-program.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

const inputs = await buildProgram()
writeFileSync(join(root, 'dist/LICENSES.txt'), licencesOf(inputs))
await buildPage(join(root, 'dist/visualizer'))

/** The licence of every bundled package, which must be included. */
function licencesOf(files: readonly string[]): string {
  const folders = new Set(files.flatMap(file => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(file)?.[0] ?? []))
  return [...folders]
    .sort()
    .map(folder => {
      const { name, version, license } = JSON.parse(readFileSync(join(root, folder, 'package.json'), 'utf8'))
      const file = readdirSync(join(root, folder)).find(each => /^licen[cs]e/i.test(each))
      const text = file === undefined ? `${license}\n` : readFileSync(join(root, folder, file), 'utf8')
      return `${name} ${version}\n\n${text.trimEnd()}\n`
    })
    .join(`\n${'-'.repeat(80)}\n\n`)
}
