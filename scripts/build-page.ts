// Builds the visualizer's page from src/visualizer/page into static files: node scripts/build-page.ts [FOLDER], by default
// dist/visualizer.

import { cpSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { replaceFolder } from './replace-folder.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src/visualizer/page')

export const buildPage = (folder: string): Promise<void> =>
  replaceFolder(folder, async fresh => {
    await build({
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
      logLevel: 'warning',
    })
    for (const file of ['index.html', 'icon.svg']) cpSync(join(source, file), join(fresh, file))
  })

if (import.meta.main) await buildPage(resolve(process.argv[2] ?? join(root, 'dist/visualizer')))
