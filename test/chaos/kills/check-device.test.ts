// The checker finds each kind of fault, on a device made by hand.

import { appendFileSync, mkdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openHome } from '../../../src/actors/device/home.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'
import { checkDevice } from './check-device.ts'
import { sha256Of } from './scene.ts'

const bytes = Buffer.alloc(3 * 512 * 1024, 'some bytes')
const credential = 'c'.repeat(43)

/** Two of three pieces of one download are verified, beside another program's file. */
function scene(t: ExecutionContext) {
  const root = tempFolder(t)
  const folder = join(root, 'downloads')
  mkdirSync(folder)
  const home = openHome(join(root, 'home'))
  const device = home.device()
  home.saveSession({ user: 'bob', device, credential })
  const manifest = manifestOf('film.bin', bytes)
  const destination = join(folder, 'film.bin')
  const library = openLibrary(home.libraryFile)
  const names = { user: 'bob', group: 'reef', name: 'film.bin', overwrite: false, createdAt: 0 }
  const file = { share: shareId('reef', manifest), manifest }
  const { id } = library.createDownload({ ...names, ...file, destination, part: `${destination}.part` })
  for (const piece of [0, 2]) library.recordPiece(id, piece, { user: 'al', device: 'a'.repeat(12) }, 'direct', 1)
  library.close()
  const part = Buffer.from(bytes)
  part.fill(0, 512 * 1024, 1024 * 1024)
  writeFileSync(`${destination}.part`, part)
  const beside = join(folder, 'beside')
  writeFileSync(beside, 'mine')
  const bystanders = new Map([[beside, sha256Of(Buffer.from('mine'))]])
  const around = { home, user: 'bob', device, folder, bystanders, replaced: new Map<string, string>() }
  return { around, id, destination, part, beside, home }
}
type Made = ReturnType<typeof scene>

test('A sound device is not reported.', async t => {
  const { around, id } = scene(t)
  const { violations, verified } = await checkDevice(around)
  t.deepEqual(violations, [])
  t.is(verified.get(id)?.count, 2)
})

const wrongs: Record<string, [spoil: (made: Made) => void, told: RegExp]> = {
  'a verified piece that is not in the part file': [
    ({ destination }) => writeFileSync(`${destination}.part`, Buffer.alloc(bytes.length)),
    /of 2 verified pieces 0 are right/,
  ],
  'a part file that is gone': [({ destination }) => rmSync(`${destination}.part`), /of 2 verified pieces 0/],
  'a file that has its name before it is whole': [
    ({ destination }) => renameSync(`${destination}.part`, destination),
    /wrong bytes have the name/,
  ],
  'a file of somebody else that was altered': [({ beside }) => appendFileSync(beside, '!'), /beside was altered/],
  'a file of somebody else that is gone': [({ beside }) => rmSync(beside), /beside was altered or removed/],
  "a file that is nobody's": [({ around }) => writeFileSync(join(around.folder, 'film.bin.part.2'), ''), /is nobody's/],
  'a log-in that cannot be read': [({ home }) => writeFileSync(home.sessionFile, '{"user":'), /cannot be read/],
  'something left over in the home': [({ home }) => writeFileSync(join(home.folder, '.seen.json.1'), ''), /left over/],
  'another device': [
    ({ home }) => writeFileSync(join(home.folder, 'device.json'), '"000000000000"'),
    /device is another/,
  ],
  'a completed download without its file': [
    ({ home, id }) => {
      const library = openLibrary(home.libraryFile)
      library.changeDownload(id, { state: 'completed' })
      library.close()
    },
    /is completed and .* is not there/,
  ],
}
for (const [what, [spoil, told]] of Object.entries(wrongs))
  test(`The checker reports ${what}.`, async t => {
    const made = scene(t)
    spoil(made)
    t.regex((await checkDevice(made.around)).violations.join('\n'), told)
  })
