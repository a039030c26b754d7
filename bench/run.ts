// npm run bench -- NAME [option…]: runs bench/NAME.ts on its own; without NAME, lists the benchmarks.

import { spawnSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'

const folder = import.meta.dirname
const names = readdirSync(folder)
  .filter(file => file.endsWith('.ts') && file !== basename(import.meta.filename))
  .map(file => basename(file, '.ts'))

/** The first sentence of the file's head comment. */
function summary(name: string): string {
  const lines = readFileSync(join(folder, `${name}.ts`), 'utf8').split('\n')
  const opening = lines.slice(
    0,
    lines.findIndex(line => !line.startsWith('//')),
  )
  return opening
    .map(line => line.slice(2).trim())
    .join(' ')
    .split(/[.:;] /)[0]!
    .replace(/\.$/, '')
}

const [name, ...options] = process.argv.slice(2)
if (name !== undefined && names.includes(name)) {
  const { status } = spawnSync(process.execPath, [join(folder, `${name}.ts`), ...options], { stdio: 'inherit' })
  process.exitCode = status ?? 1
} else {
  if (name !== undefined) console.error(`there is no benchmark ${name}`)
  console.log('npm run bench -- NAME [--option value…]')
  for (const each of names)
    console.log(`  ${each.padEnd(Math.max(...names.map(({ length }) => length)))}  ${summary(each)}`)
  process.exitCode = name === undefined ? 0 : 2
}
