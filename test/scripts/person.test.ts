import test from 'ava'
import { Commands, person } from '../../scripts/person.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const alice = (t: Parameters<typeof tempFolder>[0], commands: Commands) =>
  person(commands, { name: 'alice', home: tempFolder(t), servers: [], password: 'correct horse' })

test('A command returns what it printed, and one that fails says who ran it and why.', async t => {
  const { shoal } = alice(t, new Commands())
  t.regex(await shoal('--version'), /^\d+\.\d+\.\d+$/)
  await t.throwsAsync(shoal('whoami'), { message: /^alice: shoal whoami ended with 1: shoal: you are not logged in/ })
})

test('Stopping lets a running command finish, and starts no other.', async t => {
  const commands = new Commands()
  const { shoal } = alice(t, commands)
  const running = shoal('--version')
  await commands.stop()
  t.regex(await running, /^\d/)
  await t.throwsAsync(shoal('--version'), { message: /was not started: the script is ending$/ })
})
