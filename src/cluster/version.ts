// The package's version, as package.json has it.

import { readFileSync } from 'node:fs'
import { packageFile } from './package-root.ts'

export const version: string = JSON.parse(readFileSync(packageFile, 'utf8')).version
