// Run as a process of its own by library.test.ts: holds the library named by its argument, records one piece after the
// other and says each number once it is recorded, until it is killed.

import { setImmediate as nextTurn } from 'node:timers/promises'
import { openLibrary } from '../../src/storage/library.ts'

const library = openLibrary(process.argv[2]!)
for (let piece = 0; ; piece += 1) {
  library.recordPiece(1, piece, { user: 'bob', device: 'bbbbbbbbbbbb' }, 'direct', 10)
  process.stdout.write(`${piece}\n`)
  await nextTurn()
}
