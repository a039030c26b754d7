import { readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import { commands } from '../../src/cli/commands.ts'
import { createCompletion } from '../../src/cli/shell/completion.ts'
import { openHistory, withoutPassword } from '../../src/cli/shell/history.ts'
import { quoted, splitWords } from '../../src/cli/shell/split-words.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const lines: Record<string, string[]> = {
  '': [],
  '   ': [],
  'group  list': ['group', 'list'],
  'share "my film.mkv" reef': ['share', 'my film.mkv', 'reef'],
  'share \'a "b" c\' reef': ['share', 'a "b" c', 'reef'],
  'share my\\ film.mkv reef': ['share', 'my film.mkv', 'reef'],
  'share "a\\"b" ""': ['share', 'a"b', ''],
  'files reef # what is there': ['files', 'reef'],
  'files a#b': ['files', 'a#b'],
}
for (const [line, words] of Object.entries(lines))
  test(`The line <${line}> has the words ${JSON.stringify(words)}.`, t =>
    t.deepEqual(splitWords(line), { ok: true, value: words }))

test('An open quote is refused.', t => t.like(splitWords('share "my film'), { ok: false, code: 'usage' }))

test('A quoted word comes back whole.', t => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: 'grapheme' })), words => {
      t.deepEqual(splitWords(words.map(quoted).join(' ')), { ok: true, value: words })
    }),
  )
})

test('History keeps lines for the next shell, readable by their owner alone.', t => {
  const file = join(tempFolder(t), 'history')
  const history = openHistory(file)
  for (const line of ['whoami', 'group list', 'group list', '  ', 'login alice secret', '--json login alice "se cret"'])
    history.add(line)
  t.is(statSync(file).mode & 0o777, 0o600)
  const kept = ['--json login alice', 'login alice', 'group list', 'whoami']
  t.deepEqual(history.lines(), kept)
  t.deepEqual(openHistory(file).lines(), kept)
})

for (const line of [
  'create_user bob hunter2',
  'login bob  hunter2 --json',
  "login 'bob' 'hunter2",
  'signup bob hunter2',
])
  test(`The history has no password of <${line}>.`, t => t.notRegex(withoutPassword(line), /hunter2/))

test('History leaves other lines as they are.', t => t.is(withoutPassword('files   reef'), 'files   reef'))

const complete = createCompletion(commands, { trackers: async () => undefined, downloads: async () => [3, 12] })

test('Tab completes commands in both spellings.', async t => {
  t.deepEqual(await complete('group cr'), [['group create '], 'group cr'])
  t.deepEqual(await complete('show_d'), [['show_downloads '], 'show_d'])
  t.deepEqual(await complete('paus'), [['pause '], 'paus'])
})

test('Tab continues after a command that is the start of longer ones.', async t => {
  t.deepEqual(await complete('limi'), [['limit', 'limit up', 'limit down', 'limit connections'], 'limi'])
  t.deepEqual(await complete('limit '), [['limit up', 'limit down', 'limit connections'], 'limit '])
  t.deepEqual(await complete('limit c'), [['limit connections '], 'limit c'])
  t.deepEqual(await complete('limit up '), [['off '], ''])
  t.deepEqual(await complete('limit connections o'), [['off '], 'o'])
  t.deepEqual(await complete('limit up 2'), [[], '2'])
})

test('Tab completes paths where a path belongs.', async t => {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'film one.mkv'), '')
  const [found] = await complete(`share ${folder}/fil`)
  t.deepEqual(found, [`"${folder}/film one.mkv" `])
  t.deepEqual(await complete(`whoami ${folder}/fil`), [[], `${folder}/fil`])
})

test('Tab asks no tracker while no user is logged in.', async t => {
  t.deepEqual(await complete('files re'), [[], 're'])
})

test('A shell with a damaged history file still starts.', t => {
  const file = join(tempFolder(t), 'history')
  writeFileSync(file, Buffer.from([0xff, 0x0a, 0x00]))
  t.notThrows(() => openHistory(file).add('whoami'))
  t.true(readFileSync(file, 'utf8').endsWith('whoami\n'))
})
