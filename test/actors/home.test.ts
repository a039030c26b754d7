// A device's folder as it is found.

import { chmodSync } from 'node:fs'
import test from 'ava'
import { openHome } from '../../src/actors/home.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const untilNotRoot = process.getuid?.() === 0 ? test.skip : test

untilNotRoot('A home that may not be read is an error, and not one where nobody is logged in.', t => {
  const folder = tempFolder(t)
  chmodSync(folder, 0o000)
  t.teardown(() => chmodSync(folder, 0o700))
  t.throws(() => openHome(folder), { code: 'EACCES' })
})
