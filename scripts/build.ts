// Builds the published package into dist. It holds JavaScript, because Node strips no types below node_modules. It has few
// files, because a command starts sooner the fewer files it reads; code that not every command uses loads on demand. Native
// packages, a package that starts threads, and packages that few commands use are not bundled.

import { readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { buildPage } from './build-page.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const dist = join(root, 'dist')
rmSync(dist, { recursive: true, force: true })

/** Dependencies are installed beside the package. All other packages are bundled, and are `devDependencies`. */
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const { metafile } = await build({
  absWorkingDir: root,
  // Both in one folder: a thread's program is looked up beside the module that starts it.
  entryPoints: { main: 'src/cli/main.ts', 'hashing-worker': 'src/storage/hashing-worker.ts' },
  outdir: join(dist, 'program'),
  bundle: true,
  splitting: true,
  format: 'esm',
  platform: 'node',
  target: 'node22.18',
  external: Object.keys(dependencies),
  // Bundled CommonJS packages need `require`.
  banner: {
    js: "import { createRequire as requireFrom } from 'node:module'; const require = requireFrom(import.meta.url);",
  },
  metafile: true,
  logLevel: 'warning',
})
writeFileSync(join(dist, 'LICENSES.txt'), licencesOf(Object.keys(metafile.inputs)))
await buildPage(join(dist, 'visualizer'))

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
