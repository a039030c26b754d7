import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import { classics } from '../../src/cli/classic-names.ts'
import { commands } from '../../src/cli/commands.ts'
import { parse } from '../../src/cli/parse.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const parseLine = (line: string) => parse(line.split(' '), commands)

/** A parsed command as `words` and what was given with it. */
function understood(line: string) {
  const parsed = parseLine(line)
  if (parsed.kind !== 'command') return parsed
  const given = Object.entries(parsed.input).filter(([, value]) => value !== undefined && value !== false)
  return { words: parsed.command.name, ...Object.fromEntries(given) }
}

const contract: Record<string, object> = {
  'cluster up': { words: 'cluster up' },
  'cluster up --host H --port 5222 --brokers 3 --trackers 2': {
    words: 'cluster up',
    host: 'H',
    port: '5222',
    brokers: '3',
    trackers: '2',
  },
  'cluster up --tls --name a,b': { words: 'cluster up', tls: true, name: 'a,b' },
  'cluster up --sign-up closed': { words: 'cluster up', 'sign-up': 'closed' },
  'cluster user list': { words: 'cluster user list' },
  'cluster user add bob': { words: 'cluster user add', user: 'bob' },
  'cluster user disable bob': { words: 'cluster user disable', user: 'bob' },
  'cluster user enable bob': { words: 'cluster user enable', user: 'bob' },
  'cluster user reset bob': { words: 'cluster user reset', user: 'bob' },
  'cluster user delete bob --yes': { words: 'cluster user delete', user: 'bob', yes: true },
  'cluster group transfer g bob': { words: 'cluster group transfer', group: 'g', user: 'bob' },
  'cluster backup F': { words: 'cluster backup', file: 'F' },
  'cluster restore F --host H --port 1': { words: 'cluster restore', file: 'F', host: 'H', port: '1' },
  'cluster rotate': { words: 'cluster rotate' },
  'cluster fingerprint': { words: 'cluster fingerprint' },
  'trust F': { words: 'trust', fingerprint: 'F' },
  'cluster status': { words: 'cluster status' },
  'cluster down': { words: 'cluster down' },
  'cluster stop n1': { words: 'cluster stop', node: 'n1' },
  'cluster kill t2': { words: 'cluster kill', node: 't2' },
  'cluster start t2': { words: 'cluster start', node: 't2' },
  'tracker run --name T': { words: 'tracker run', name: 'T' },
  trackers: { words: 'trackers' },
  'signup alice': { words: 'signup', user: 'alice' },
  'agent start --listen 0.0.0.0:7000': { words: 'agent start', listen: '0.0.0.0:7000' },
  'agent stop': { words: 'agent stop' },
  'agent status': { words: 'agent status' },
  'agent run': { words: 'agent run' },
  'login alice': { words: 'login', user: 'alice' },
  logout: { words: 'logout' },
  whoami: { words: 'whoami' },
  passwd: { words: 'passwd' },
  'passwd --log-out-others': { words: 'passwd', 'log-out-others': true },
  devices: { words: 'devices' },
  'device logout 0a1b2c3d4e5f': { words: 'device logout', device: '0a1b2c3d4e5f' },
  'account delete --yes': { words: 'account delete', yes: true },
  'group create g': { words: 'group create', group: 'g' },
  'group create g --hidden': { words: 'group create', group: 'g', hidden: true },
  'group list': { words: 'group list' },
  'group join g': { words: 'group join', group: 'g' },
  'group leave g': { words: 'group leave', group: 'g' },
  'group requests g': { words: 'group requests', group: 'g' },
  'group accept g bob': { words: 'group accept', group: 'g', user: 'bob' },
  'group reject g bob': { words: 'group reject', group: 'g', user: 'bob' },
  'group members g': { words: 'group members', group: 'g' },
  'group remove g bob': { words: 'group remove', group: 'g', user: 'bob' },
  'group transfer g bob': { words: 'group transfer', group: 'g', user: 'bob' },
  'share /nowhere/film.mkv g --name other': { words: 'share', path: '/nowhere/film.mkv', group: 'g', name: 'other' },
  'files g': { words: 'files', group: 'g' },
  'download g film.mkv .': { words: 'download', group: 'g', name: 'film.mkv', dest: '.' },
  'download g film.mkv . --wait --overwrite': {
    words: 'download',
    group: 'g',
    name: 'film.mkv',
    dest: '.',
    wait: true,
    overwrite: true,
  },
  downloads: { words: 'downloads' },
  'downloads --watch': { words: 'downloads', watch: true },
  'pause 3': { words: 'pause', id: '3' },
  'resume 3': { words: 'resume', id: '3' },
  'cancel 3': { words: 'cancel', id: '3' },
  limit: { words: 'limit' },
  'limit up 2MB/s': { words: 'limit up', rate: '2MB/s' },
  'limit down off': { words: 'limit down', rate: 'off' },
  'limit connections 20': { words: 'limit connections', most: '20' },
  'unshare g film.mkv': { words: 'unshare', group: 'g', name: 'film.mkv' },
  shell: { words: 'shell' },
  machines: { words: 'machines' },
  'machines download --mermaid': { words: 'machines', 'name?': 'download', mermaid: true },
  visualizer: { words: 'visualizer' },
  'visualizer --port 4300': { words: 'visualizer', port: '4300' },
  'visualizer --replay yesterday.jsonl': { words: 'visualizer', replay: 'yesterday.jsonl' },
}
for (const [line, meaning] of Object.entries(contract))
  test(`"${line}" is understood.`, t => t.deepEqual(understood(line), meaning))

test('The contract and this test know the same commands.', t => {
  const tested = new Set(Object.values(contract).map(meaning => (meaning as { words: string }).words))
  t.deepEqual([...tested].sort(), commands.map(({ name }) => name).sort())
})

const assignment: Record<string, string> = {
  'create_user alice': 'signup alice',
  'create_group g': 'group create g',
  'join_group g': 'group join g',
  'leave_group g': 'group leave g',
  list_groups: 'group list',
  'list_requests g': 'group requests g',
  'accept_request g bob': 'group accept g bob',
  'reject_request g bob': 'group reject g bob',
  'upload_file /nowhere/film.mkv g': 'share /nowhere/film.mkv g',
  'upload_file g /nowhere/film.mkv': 'share /nowhere/film.mkv g',
  'list_files g': 'files g',
  'download_file g film.mkv .': 'download g film.mkv .',
  show_downloads: 'downloads',
  'stop_share g film.mkv': 'unshare g film.mkv',
  quit: 'cluster down',
}
for (const [line, same] of Object.entries(assignment))
  test(`The assignment's "${line}" is "${same}".`, t => t.deepEqual(understood(line), understood(same)))

test('Every classic name is one of the assignment, and stands for a command.', t => {
  t.deepEqual(
    classics.map(({ name }) => name).sort(),
    Object.keys(assignment)
      .flatMap(line => line.split(' ')[0]!)
      .filter((name, at, all) => all.indexOf(name) === at)
      .sort(),
  )
  for (const { stands } of classics) t.true(commands.some(({ name }) => name === stands))
})

test('Upload_file uses the argument that exists on disk as the path, whatever its name.', t => {
  const folder = tempFolder(t)
  const file = join(folder, 'reef')
  writeFileSync(file, '')
  mkdirSync(join(folder, 'other'))
  const meant = { words: 'share', path: file, group: 'other' }
  t.deepEqual(understood(`upload_file ${file} other`), meant)
  t.deepEqual(understood(`upload_file other ${file}`), meant)
})

for (const line of ['--json --home /h --servers a,b whoami', 'whoami --json --home /h --servers a,b'])
  test(`Global options stand before and after a command: "${line}".`, t => {
    const parsed = parseLine(line)
    t.is(parsed.kind, 'command')
    if (parsed.kind === 'command') t.deepEqual(parsed.globals, { json: true, home: '/h', servers: 'a,b' })
  })

const mistakes: Record<string, RegExp> = {
  'group create': /^missing required argument 'group'; see shoal group create --help$/,
  'group create a b': /^too many arguments.*; see shoal group create --help$/,
  'group crate g': /^unknown command 'crate'.*; see shoal group --help$/,
  'group invite g': /^unknown command 'invite'; group takes create, list, .*; see shoal group --help$/,
  grop: /^unknown command 'grop'.*; see shoal --help$/,
  group: /^name a command of group: create, list, .*; see shoal group --help$/,
  'limit bogus': /^unknown command 'bogus'; limit takes up, down, connections; see shoal limit --help$/,
  'limit up': /^missing required argument 'rate'; see shoal limit up --help$/,
  'limit up 1.5 MiB/s': /^too many arguments.*; see shoal limit up --help$/,
  'download g f . --wiat': /^unknown option '--wiat'.*; see shoal download --help$/,
  'share f g --name': /^option '--name <name>' argument missing; see shoal share --help$/,
  'login alice secret more': /^too many arguments/,
}
for (const [line, message] of Object.entries(mistakes))
  test(`"${line}" is refused with what to read.`, t => {
    const parsed = parseLine(line)
    t.is(parsed.kind, 'misuse')
    if (parsed.kind === 'misuse') t.regex(parsed.message, message)
  })

test('An empty command is also a usage error.', t => t.is(parse([], commands).kind, 'misuse'))

test('A line copied from our own advice may begin with shoal.', t =>
  t.deepEqual(understood('shoal login alice'), understood('login alice')))

const complaint = (line: string) => {
  const parsed = parseLine(line)
  return parsed.kind === 'misuse' ? parsed.message : parsed.kind
}

test('An unknown word with one dash is answered with how to type a name that begins with one.', t => {
  t.regex(complaint('files -dash'), /-dash.* \(put -- before a name that begins with -\); see shoal files --help$/)
})

test('A mistyped option is answered without a word about names.', t => {
  t.is(complaint('files reef --foo'), "unknown option '--foo'; see shoal files --help")
  t.regex(complaint('download g f . --wiat'), /^unknown option '--wiat' \(Did you mean --wait\?\); see/)
})

test("Help for a command that does not exist says so, and shows no other command's help.", t => {
  const noInvite = /^unknown command 'invite'; group takes create, list, .*; see shoal group --help$/
  for (const line of [
    'group invite --help',
    'group invite g --help',
    'help group invite',
    '--home h group invite --help',
  ])
    t.regex(complaint(line), noInvite, line)
  t.is(complaint('nosuch --help'), "unknown command 'nosuch'; see shoal --help")
  t.regex(complaint('limit bogus --help'), /^unknown command 'bogus'; limit takes up, down, connections/)
})

test('The value of an option before the command is not taken for the command.', t => {
  t.regex(complaint('--home /h grop'), /^unknown command 'grop'.*; see shoal --help$/)
  t.regex(complaint('--servers a group crate g'), /; see shoal group --help$/)
})

test('The command help COMMAND shows the same as COMMAND --help.', t => {
  t.deepEqual(parseLine('help group create'), parseLine('group create --help'))
  t.deepEqual(parseLine('help'), parseLine('--help'))
  t.deepEqual(parseLine('--home h help group create'), parseLine('--home h group create --help'))
})

test('A home or a server named help does not call for help.', t => {
  t.like(parseLine('--home help whoami'), { kind: 'command', command: { name: 'whoami' }, globals: { home: 'help' } })
  t.like(parseLine('--servers help whoami'), { kind: 'command', globals: { servers: 'help' } })
})

test('The help warns that quit, outside the shell, stops the cluster.', t => {
  const help = parseLine('--help')
  t.regex(help.kind === 'text' ? help.text : '', /quit is shoal cluster down: it stops the cluster/)
})

test('A word that looks like an option can be an argument behind --.', t => {
  t.deepEqual(understood('unshare g -- -odd'), { words: 'unshare', group: 'g', name: '-odd' })
})

test('A password behind the name is kept apart from the input.', t => {
  const parsed = parseLine('create_user alice secret')
  t.like(parsed, { kind: 'command', input: { user: 'alice' }, typedPassword: 'secret', isClassic: true })
  t.like(parseLine('signup alice secret'), { typedPassword: 'secret', isClassic: false })
})

for (const { name, example } of commands)
  test(`The help of "${name}" says what it does, with an example that parses.`, t => {
    const help = parse([...name.split(' '), '--help'], commands)
    t.is(help.kind, 'text')
    if (help.kind === 'text') t.true(help.text.includes(`shoal ${example}`))
    const parsed = parseLine(example)
    t.is(parsed.kind === 'command' && parsed.command.name, name)
  })

test('The help lists every command and every classic name.', t => {
  const help = parse(['--help'], commands)
  if (help.kind !== 'text') return t.fail()
  for (const name of [...new Set(commands.map(({ name }) => name.split(' ')[0]!)), ...classics.map(({ name }) => name)])
    t.regex(help.text, new RegExp(`\\b${name}\\b`))
})

test('A fingerprint may begin with a dash.', t => {
  const fingerprint = `-${'a'.repeat(42)}`
  const parsed = parse(['trust', fingerprint, '--json'], commands)
  t.like(parsed, { kind: 'command', input: { fingerprint }, globals: { json: true } })
})
