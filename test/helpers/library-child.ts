// Run as a separate process by library.test.ts: opens the library named by its argument, records one piece after the
// other, and prints each number once it is recorded, until it is killed. It waits for each line to be written, because
// it would run out of pieces, and lose the lines still queued, while a busy parent does not read.

import { openLibrary } from '../../src/storage/library.ts'

const library = openLibrary(process.argv[2]!)
for (let piece = 0; ; piece += 1) {
  library.recordPiece(1, piece, { user: 'bob', device: 'bbbbbbbbbbbb' }, 'direct', 10)
  await new Promise(resolve => process.stdout.write(`${piece}\n`, resolve))
}
