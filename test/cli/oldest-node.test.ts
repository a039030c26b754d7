// bin/shoal.js runs the sources of a checkout on any Node from 22.18 on, where no package brings a newer one.

import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { transformSync } from 'esbuild'

const root = join(import.meta.dirname, '../..')

function compiledFor(target: string, code: string): string {
  // esbuild spells regular expressions with \p out of caution; Node has had them since 10.
  const supported = { 'regexp-unicode-property-escapes': true }
  return transformSync(code, { loader: 'ts', target, supported }).code
}

test('The sources use no syntax that Node 22.18 lacks.', t => {
  const files = globSync('{bin,config,scripts,src}/**/*.{js,mjs,ts}', { cwd: root })
  t.true(files.length > 300)
  const tooNew = files
    .filter(file => !file.startsWith(join('src', 'visualizer', 'page')))
    .filter(file => {
      const code = readFileSync(join(root, file), 'utf8')
      return compiledFor('node22.18', code) !== compiledFor('esnext', code)
    })
  t.deepEqual(tooNew, [])
})
