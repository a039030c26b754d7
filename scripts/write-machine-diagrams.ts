// Writes docs/machines.md, every machine as a diagram, from the definitions that run: node scripts/write-machine-diagrams.ts

import { writeFileSync } from 'node:fs'
import { machinesPage } from '../src/charts/machines-page.ts'

writeFileSync(new URL('../docs/machines.md', import.meta.url), machinesPage())
