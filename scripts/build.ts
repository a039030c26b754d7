// Builds what the published package holds beside the sources that it needs as they are: the program, the page, and what
// both are made of, with the licences of what is bundled.

import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { buildPage } from './build-page.ts'
import { buildProgram } from './build-program.ts'
import { licencesOf } from './licences.ts'
import { createSbom } from './sbom.ts'

const root = fileURLToPath(new URL('..', import.meta.url))
const lock = JSON.parse(readFileSync(join(root, 'package-lock.json'), 'utf8'))

const files = [...(await buildProgram()), ...(await buildPage(join(root, 'dist/visualizer')))]
writeFileSync(join(root, 'dist/LICENSES.txt'), licencesOf(root, files))
writeFileSync(join(root, 'dist/sbom.cdx.json'), `${JSON.stringify(createSbom(lock, files), undefined, 2)}\n`)
