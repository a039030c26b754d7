// Builds the program: node scripts/build-program.ts, into dist/program. It is JavaScript, because Node strips no types below
// node_modules. It has few files, because a command starts sooner the fewer files it reads; code that not every command
// uses loads on demand. Native packages, a package that starts threads, and packages that few commands use are not bundled.

import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { replaceFolder } from './replace-folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))

/** Dependencies are installed beside the package. All other packages are bundled, and are `devDependencies`. */
const { dependencies } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

/** Returns the files that went into it, relative to the root. */
export const buildProgram = (folder: string = join(root, 'dist/program')): Promise<string[]> =>
  replaceFolder(folder, async fresh => {
    const { metafile } = await build({
      absWorkingDir: root,
      // Both in one folder: a thread's program is looked up beside the module that starts it.
      entryPoints: { main: 'src/cli/main.ts', 'hashing-worker': 'src/storage/hashing-worker.ts' },
      outdir: fresh,
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
    return Object.keys(metafile.inputs)
  })

if (import.meta.main) await buildProgram()
