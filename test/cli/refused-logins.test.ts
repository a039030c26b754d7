import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { countRefusedLogins, saveRefusedLogins, wrongPassword } from '../../src/cli/refused-logins.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

test('The first wrong password is answered without a word about waiting; after several, the person is told to wait.', t => {
  t.is(wrongPassword('alice', 1), 'wrong user id or password; check both, then run shoal login alice again')
  t.is(wrongPassword('alice', 1, 'passwd'), 'wrong password; check it, then run shoal passwd again')
  t.notRegex(wrongPassword('alice', 2), /wait/)
  t.regex(wrongPassword('alice', 3), /3 times in a row;.* wait 30 seconds/)
})

test('Refused log-ins are counted across commands until one succeeds.', t => {
  const home = { folder: tempFolder(t) }
  t.is(countRefusedLogins(home), 0)
  saveRefusedLogins(home, 2)
  t.is(countRefusedLogins(home), 2)
  saveRefusedLogins(home, 0)
  t.is(countRefusedLogins(home), 0)
})

test('A damaged count, or a folder that cannot be written, costs only the hint.', t => {
  const home = { folder: tempFolder(t) }
  writeFileSync(join(home.folder, 'refused-logins'), 'many')
  t.is(countRefusedLogins(home), 0)
  t.notThrows(() => saveRefusedLogins({ folder: join(home.folder, 'missing') }, 1))
})
