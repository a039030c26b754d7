// Builds the visualizer's page from src/visualizer/page into static files: node scripts/build-page.ts [FOLDER], by default
// dist/visualizer. The folder is replaced in one step, so a server never serves an incomplete page.

import { cpSync, mkdirSync, renameSync, rmSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

const root = fileURLToPath(new URL('..', import.meta.url))
const source = join(root, 'src/visualizer/page')

export async function buildPage(folder: string): Promise<void> {
  const fresh = `${folder}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  try {
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
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}

if (import.meta.main) await buildPage(resolve(process.argv[2] ?? join(root, 'dist/visualizer')))
