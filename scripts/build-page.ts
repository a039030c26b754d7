// Builds the visualizer's page from src/visualizer/page into static files: node scripts/build-page.ts [FOLDER], by default
// dist/visualizer.

import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { replaceFolder } from './replace-folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src/visualizer/page')

/** Returns the files that went into it, relative to the root. */
export const buildPage = (folder: string): Promise<string[]> =>
  replaceFolder(folder, async fresh => {
    const { metafile } = await build({
      absWorkingDir: root,
      entryPoints: { page: join(source, 'page.tsx') },
      outdir: fresh,
      bundle: true,
      format: 'esm',
      minify: true,
      target: ['es2023', 'chrome123', 'firefox120', 'safari17.5'],
      jsx: 'automatic',
      jsxImportSource: 'preact',
      loader: { '.woff2': 'file' },
      assetNames: '[name]',
      tsconfigRaw: {},
      metafile: true,
      logLevel: 'warning',
    })
    for (const file of ['index.html', 'icon.svg']) cpSync(join(source, file), join(fresh, file))
    return Object.keys(metafile.inputs)
  })

if (import.meta.main) await buildPage(resolve(process.argv[2] ?? join(root, 'dist/visualizer')))
