// Every row of the command line's contract with its refusals, against a real cluster; the real program where a process
// shows more than the command does: its exit codes, what it reads and prints where, and how it is interrupted.

import { once } from 'node:events'
import { existsSync, mkdirSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { hostname } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import test from 'ava'
import { openHome } from '../../src/actors/device/home.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { toDeviceName } from '../../src/domain/names.ts'
import { startCluster } from '../helpers/cluster.ts'
import { commandLine } from '../helpers/command-line.ts'
import { until } from '../helpers/until.ts'

const refused = (code: string) => ({ code, exit: 1 })
const usage = { code: 'usage', exit: 2 }
const unreachable = { code: 'unreachable', exit: 3 }

test.serial('A user signs up, logs in on a device, asks who is logged in, and logs out.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const { run, json, refusal, home } = commandLine(t, cluster.servers)

  const told = await run(['whoami', '--json'])
  t.is(told.code, 1)
  t.is(told.err, `shoal: ${JSON.parse(told.out).error.message}\n`)
  t.deepEqual(await refusal('whoami'), refused('not-logged-in'))
  t.deepEqual(await refusal('group', 'list'), refused('not-logged-in'))
  t.deepEqual(await refusal('logout'), refused('not-logged-in'))
  for (const name of ['a b', 'a.b', '*', 'a>b', 'a\u0007b', '', 'x'.repeat(10_000)])
    t.deepEqual(await refusal('signup', name), refused('invalid-name'), name.slice(0, 20))
  t.deepEqual(await refusal('signup'), usage)
  t.deepEqual(await refusal('signup', 'alice', 'secret'), usage)
  t.like(await run(['signup', 'alice', '--json'], { env: { SHOAL_PASSWORD: '' } }), { code: 2 })

  for (const weak of ['1', 'alice', 'password123', 'alicealice']) {
    const { code, out, err } = await run(['signup', 'alice', '--json'], { env: { SHOAL_PASSWORD: weak } })
    t.is(code, 1, weak)
    t.is(JSON.parse(out).error.code, 'weak-password', weak)
    t.regex(err, /^shoal: this password .*; use three or more unrelated words\n$/)
  }
  t.deepEqual(await json('signup', 'alice'), [{ user: 'alice' }])
  t.deepEqual(await refusal('signup', 'alice'), refused('user-exists'))
  t.deepEqual(await refusal('login', 'nobody'), refused('bad-credentials'))
  const wrong = { env: { SHOAL_PASSWORD: 'wrong' } }
  const refusedLogin = await run(['login', 'alice'], wrong)
  t.is(refusedLogin.code, 1)
  t.regex(refusedLogin.err, /^shoal: wrong user id or password; check both, then run shoal login alice again\n$/)
  t.deepEqual(await refusal('whoami'), refused('not-logged-in'))

  const stdin = { env: { SHOAL_PASSWORD: '' }, input: 'correct horse\n' }
  t.like(await run(['login', 'alice', '--password-stdin'], stdin), { code: 0, out: 'Logged in as alice.\n', err: '' })
  const [me] = await json<{ user: string; device: string; agent: string }>('whoami')
  t.like(me, { user: 'alice', agent: 'running' })
  t.regex(me!.device, /^[a-z0-9]{12}$/)
  t.is(statSync(join(home, 'session.json')).mode & 0o777, 0o600)
  t.notRegex(readFileSync(join(home, 'session.json'), 'utf8'), /correct horse/)

  const session = readFileSync(join(home, 'session.json'), 'utf8')
  t.like(await run(['login', 'alice']), { code: 0 })
  t.is(readFileSync(join(home, 'session.json'), 'utf8'), session, 'logging in again changes nothing')
  t.like(await run(['login', 'alice'], wrong), { code: 1 })
  await json('create_user', 'bob')
  t.deepEqual(await refusal('login', 'bob'), refused('already-logged-in'))
  t.like((await json('whoami'))[0], { user: 'alice', agent: 'running' })

  t.like((await json('agent', 'status'))[0], { agent: 'running', user: 'alice' })
  t.deepEqual(await json('limit'), [{ up: null, down: null, connections: null }])
  t.deepEqual(await json('limit', 'up', '2MB/s'), [{ up: 2 ** 21, down: null, connections: null }])
  t.deepEqual(await json('limit', 'connections', '20'), [{ up: 2 ** 21, down: null, connections: 20 }])
  for (const wrong of ['0', '5', '-1', '2Mbit', 'fast']) t.deepEqual(await refusal('limit', 'down', '--', wrong), usage)
  t.deepEqual(await refusal('limit', 'connections', '3'), usage)
  t.deepEqual(await refusal('limit', 'sideways'), usage)
  t.regex((await run(['agent', 'status'])).out, /limited to 2 MiB\/s up, 20 connections each way/)

  t.deepEqual(await json('agent', 'stop'), [{ agent: 'stopped', ran: true }])
  t.deepEqual(await json('agent', 'stop'), [{ agent: 'stopped', ran: false }])
  t.like((await json('whoami'))[0], { user: 'alice', agent: 'stopped' })
  t.deepEqual(await json('agent', 'status'), [{ agent: 'stopped' }])
  t.deepEqual(await refusal('downloads'), unreachable)
  t.deepEqual(await refusal('limit'), unreachable)
  t.deepEqual(await refusal('agent', 'start', '--listen', 'nonsense'), usage)
  t.like((await json('agent', 'start', '--listen', '127.0.0.1:0'))[0], { agent: 'running' })
  t.like((await json('agent', 'start', '--listen', '127.0.0.1:0'))[0], { agent: 'running' })
  t.like((await json('agent', 'start'))[0], { agent: 'running' })
  t.deepEqual(await refusal('agent', 'start', '--listen', '0.0.0.0:7000'), usage, 'it runs, and listens elsewhere')
  await json('agent', 'stop')
  await json('agent', 'start')
  t.regex(`${((await json('agent', 'status'))[0] as { listen: string }).listen}`, /^127\.0\.0\.1:/, 'as it was told')

  t.like((await json('logout'))[0], { user: 'alice', agent: 'running' })
  await until('the trackers know', () => openHome(home).owedLogouts().length === 0)
  t.deepEqual(await refusal('whoami'), refused('not-logged-in'))
  t.deepEqual(await json('login', 'bob'), [{ user: 'bob', device: me!.device }])
  t.like((await json('whoami'))[0], { user: 'bob', agent: 'running' })
  const kept = await run(['limit'])
  t.is(kept.out, 'upload       2 MiB/s\ndownload     no limit\nconnections  20 each way\n', 'the device is the same')
  t.deepEqual(await json('limit', 'up', 'off'), [{ up: null, down: null, connections: 20 }])

  // A credential that the trackers do not know: revoked, or of another cluster.
  const stolen = { ...JSON.parse(readFileSync(join(home, 'session.json'), 'utf8')), credential: 'x'.repeat(43) }
  writeFileSync(join(home, 'session.json'), JSON.stringify(stolen))
  t.deepEqual(await refusal('group', 'list'), refused('not-logged-in'))
  await json('login', 'bob')
  t.deepEqual(await json('group', 'list'), [[]])
})

test.serial(
  'A user lists devices, changes the password, logs another device out, and deletes the account.',
  async t => {
    interface Listed {
      device: string
      name: string
      since: number
      seen: number
      online: boolean
      this: boolean
    }
    const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
    const laptop = commandLine(t, cluster.servers)
    const desk = commandLine(t, cluster.servers)
    t.deepEqual(await desk.refusal('devices'), refused('not-logged-in'))
    t.deepEqual(await desk.refusal('passwd'), refused('not-logged-in'))
    t.deepEqual(await desk.refusal('account', 'delete'), refused('not-logged-in'))
    await desk.json('signup', 'alice')
    for (const { json } of [laptop, desk]) await json('login', 'alice')
    const [lost] = await laptop.json<{ device: string }>('whoami')
    const devices = async () => (await desk.json<Listed[]>('devices'))[0]!
    await until('both are online', async () => (await devices()).every(({ online }) => online))
    const [other, own] = await devices()
    t.like(other, { device: lost!.device, this: false })
    t.like(own, { name: toDeviceName(hostname()), this: true })
    t.true(own!.seen >= own!.since)
    t.regex((await desk.runHere(['devices'])).out, /\(this one\) .* online/)

    const changing = ['passwd', '--log-out-others', '--json']
    const next = 'battery staple of mine'
    t.deepEqual(await desk.refusal('passwd'), usage, 'no new password')
    const weak = await desk.runHere(changing, { SHOAL_NEW_PASSWORD: 'alice' })
    t.is(JSON.parse(weak.out).error.code, 'weak-password')
    const wrong = await desk.runHere(changing, { SHOAL_PASSWORD: 'wrong', SHOAL_NEW_PASSWORD: next })
    t.is(wrong.err, 'shoal: wrong password; check it, then run shoal passwd again\n')
    t.is((await devices()).length, 2)
    const changed = await desk.runHere(changing, { SHOAL_NEW_PASSWORD: next })
    t.deepEqual(JSON.parse(changed.out), { user: 'alice', loggedOutOthers: true })
    t.deepEqual(
      (await devices()).map(row => row.device),
      [own!.device],
    )
    t.deepEqual(await laptop.refusal('files', 'reef'), refused('not-logged-in'))
    await until('the laptop has forgotten its log-in', async () => !existsSync(join(laptop.home, 'session.json')))
    t.deepEqual(await laptop.refusal('login', 'alice'), refused('bad-credentials'))

    const byNext = { SHOAL_PASSWORD: next }
    const back = await laptop.runHere(['login', 'alice'], byNext)
    t.is(back.code, 0, back.err)
    t.deepEqual(await desk.refusal('device', 'logout', 'nonsense'), refused('no-such-device'))
    t.deepEqual(await desk.refusal('device', 'logout', own!.device), usage)
    t.deepEqual(await desk.refusal('device', 'logout', lost!.device), refused('bad-credentials'))
    const unknown = await desk.runHere(['device', 'logout', '0'.repeat(12), '--json'], byNext)
    t.is(JSON.parse(unknown.out).error.code, 'no-such-device')
    const loggedOut = await desk.runHere(['device', 'logout', lost!.device, '--json'], byNext)
    t.deepEqual(JSON.parse(loggedOut.out), { device: lost!.device })
    t.deepEqual(await laptop.refusal('group', 'list'), refused('not-logged-in'))

    const byStdin = ['passwd', '--password-stdin', '--json']
    const changedBack = await desk.run(byStdin, { input: `${next}\ncorrect horse\n` })
    t.deepEqual(JSON.parse(changedBack.out), { user: 'alice', loggedOutOthers: false })
    t.deepEqual(await desk.json('account', 'delete'), [{ user: 'alice' }])
    t.deepEqual(await desk.refusal('whoami'), refused('not-logged-in'))
    t.deepEqual(await desk.refusal('login', 'alice'), refused('bad-credentials'))
    t.deepEqual(await desk.refusal('signup', 'alice'), refused('user-exists'))
  },
)

test.serial('Users create groups, ask to join, accept, reject, remove, hand over and leave.', async t => {
  const cluster = await startCluster(t)
  const alice = commandLine(t, cluster.servers)
  const bob = commandLine(t, cluster.servers)
  for (const [name, { json }] of Object.entries({ alice, bob })) {
    await json('signup', name)
    await json('login', name)
  }

  for (const name of ['a b', 'a.b', '*', 'g>', 'x'.repeat(10_000)])
    t.deepEqual(await alice.refusal('group', 'create', name), refused('invalid-name'), name.slice(0, 20))
  t.deepEqual(await alice.json('group', 'create', 'reef'), [{ group: 'reef' }])
  t.deepEqual(await bob.refusal('create_group', 'reef'), refused('group-exists'))
  t.deepEqual(await bob.refusal('join_group', 'nowhere'), refused('no-such-group'))
  t.deepEqual(await bob.refusal('group', 'members', 'reef'), refused('not-member'))
  t.deepEqual(await bob.refusal('files', 'reef'), refused('not-member'))
  t.deepEqual(await alice.refusal('group', 'join', 'reef'), refused('already-member'))
  t.deepEqual(await alice.refusal('group', 'accept', 'reef', 'bob'), refused('no-such-request'))

  await bob.json('group', 'join', 'reef')
  t.deepEqual(await bob.refusal('group', 'join', 'reef'), refused('already-requested'))
  t.deepEqual(await bob.json('group', 'list'), [[{ group: 'reef', owner: 'alice', members: 1, you: 'requested' }]])
  const [[request]] = (await alice.json('list_requests', 'reef')) as [[{ user: string; since: number }]]
  t.is(request.user, 'bob')
  t.true(Math.abs(Date.now() - request.since) < 600_000)
  t.deepEqual(await bob.refusal('group', 'accept', 'reef', 'bob'), refused('not-member'))
  t.deepEqual(await alice.json('group', 'reject', 'reef', 'bob'), [{ group: 'reef', user: 'bob' }])
  t.deepEqual(await alice.refusal('group', 'reject', 'reef', 'bob'), refused('no-such-request'))
  await bob.json('group', 'join', 'reef')
  t.like(await alice.run(['accept_request', 'reef', 'bob']), { code: 0, out: 'bob is now a member of reef.\n' })
  t.deepEqual(await alice.refusal('group', 'accept', 'reef', 'bob'), refused('already-member'))
  t.deepEqual(await bob.refusal('group', 'join', 'reef'), refused('already-member'))
  t.deepEqual(await bob.refusal('group', 'requests', 'reef'), refused('not-owner'))
  t.deepEqual(await bob.refusal('group', 'remove', 'reef', 'alice'), refused('not-owner'))
  t.deepEqual(await bob.refusal('group', 'transfer', 'reef', 'bob'), refused('not-owner'))
  t.deepEqual(await alice.refusal('group', 'transfer', 'reef', 'nobody'), refused('not-member'))
  const members = (await bob.json<{ user: string; role: string }[]>('group', 'members', 'reef'))[0]!
  t.deepEqual(
    members.map(({ user, role }) => [user, role]),
    [
      ['alice', 'owner'],
      ['bob', 'member'],
    ],
  )

  await alice.json('group', 'transfer', 'reef', 'bob')
  t.deepEqual(await alice.json('list_groups'), [[{ group: 'reef', owner: 'bob', members: 2, you: 'member' }]])
  await bob.json('group', 'remove', 'reef', 'alice')
  t.deepEqual(await alice.refusal('leave_group', 'reef'), refused('not-member'))
  t.like((await bob.run(['group', 'list'])).out.split('\n'), [
    'GROUP  OWNER  MEMBERS  YOU',
    'reef   bob          1  owner',
  ])
  await bob.json('group', 'leave', 'reef')
  t.deepEqual(await bob.json('group', 'list'), [[]])

  const [trackers] =
    await alice.json<{ name: string; seq: number; digest: string; uptimeSeconds: number }[]>('trackers')
  t.deepEqual(
    trackers!.map(({ name }) => name),
    ['t1', 't2'],
  )
  t.is(new Set(trackers!.map(({ seq, digest }) => `${seq} ${digest}`)).size, 1)

  await cluster.kill('n2')
  await cluster.kill('n3')
  t.deepEqual(await bob.json('group', 'list'), [[]], 'look-ups go on without a majority')
  t.deepEqual(await bob.refusal('group', 'create', 'later'), refused('no-quorum'))
  await cluster.start('n2')
  // The brokers elect a leader first; how long that takes is theirs to say.
  let created = await bob.run(['group', 'create', 'later'])
  while (/too few brokers/.test(created.err)) created = await bob.run(['group', 'create', 'later'])
  t.deepEqual(created, { code: 0, out: 'Created later. You are its owner.\n', err: '' })
})

test.serial('Members share, list, download, watch, pause, resume, cancel and unshare files.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const alice = commandLine(t, cluster.servers)
  const bob = commandLine(t, cluster.servers)
  for (const [name, { json }] of Object.entries({ alice, bob })) {
    await json('signup', name)
    await json('login', name)
  }
  await alice.json('group', 'create', 'reef')
  const film = join(alice.folder, 'film.mkv')
  writeFileSync(film, Buffer.alloc(3_000_000, 'shoal'))
  writeFileSync(join(alice.folder, 'empty'), '')

  t.deepEqual(await bob.refusal('share', film, 'reef'), refused('not-member'))
  t.deepEqual(await alice.refusal('share', film, 'nowhere'), refused('no-such-group'))
  t.deepEqual(await alice.refusal('share', '.', 'reef'), refused('file-unreadable'))
  t.deepEqual(await alice.refusal('share', 'missing', 'reef'), refused('file-unreadable'))
  t.deepEqual(await alice.refusal('share', film, 'reef', '--name', '../film'), refused('invalid-name'))
  const [shared] = await alice.json<{ name: string; sha1: string }>('upload_file', 'reef', 'film.mkv')
  t.like(shared, { group: 'reef', name: 'film.mkv', size: 3_000_000, pieces: 6 })
  await alice.json('share', 'empty', 'reef', '--name', 'no bytes')
  t.deepEqual(await alice.refusal('share', 'empty', 'reef', '--name', 'film.mkv'), refused('name-taken'))
  const [files] = await alice.json<object[]>('list_files', 'reef')
  t.deepEqual(files![0], {
    name: 'film.mkv',
    size: 3_000_000,
    sha1: shared!.sha1,
    pieces: 6,
    pieceLength: 524_288,
    sharers: ['alice'],
    online: 1,
  })

  t.deepEqual(await bob.refusal('download', 'reef', 'film.mkv', '.'), refused('not-member'))
  await bob.json('group', 'join', 'reef')
  await alice.json('group', 'accept', 'reef', 'bob')
  t.deepEqual(await bob.refusal('download', 'reef', 'other.mkv', '.'), refused('no-such-file'))
  t.deepEqual(await bob.refusal('download', 'reef', 'film.mkv', 'missing/'), refused('destination-unwritable'))
  t.deepEqual(await bob.refusal('download', 'reef', 'film.mkv', 'missing/x'), refused('destination-unwritable'))
  writeFileSync(join(bob.folder, 'mine'), 'precious')
  t.deepEqual(await bob.refusal('download', 'reef', 'film.mkv', 'mine'), refused('destination-exists'))
  t.is(readFileSync(join(bob.folder, 'mine'), 'utf8'), 'precious')
  t.deepEqual(await bob.refusal('unshare', 'reef', 'film.mkv'), refused('not-sharing'))

  const stream = await bob.json<{ state: string; peers: object[] }>('download', 'reef', 'film.mkv', '.', '--wait')
  const result = stream.at(-1)!
  t.like(result, {
    group: 'reef',
    name: 'film.mkv',
    state: 'completed',
    path: join(bob.folder, 'film.mkv'),
    size: 3_000_000,
    sha1: shared!.sha1,
  })
  const [me] = await alice.json<{ device: string }>('whoami')
  t.deepEqual(result.peers, [{ user: 'alice', device: me!.device, pieces: 6, bytes: 3_000_000, via: 'direct' }])
  t.true(readFileSync(join(bob.folder, 'film.mkv')).equals(readFileSync(film)))
  t.like(await bob.run(['download_file', 'reef', 'film.mkv', 'mine', '--overwrite', '--wait']), { code: 0, err: '' })
  t.true(readFileSync(join(bob.folder, 'mine')).equals(readFileSync(film)))
  // The trackers are told right after it is there.
  const isSharedByBoth = async (name: string) => {
    const [files] = await bob.json<{ name: string; sharers: string[]; online: number }[]>('files', 'reef')
    const { sharers, online } = files!.find(file => file.name === name)!
    return sharers.join() === 'alice,bob' && online === 2
  }
  await until('both share the film', () => isSharedByBoth('film.mkv'))

  // While every device that has the file is away, a download waits and says for what.
  await alice.json('agent', 'stop')
  const waiting = bob.start(['download', 'reef', 'no bytes', 'later', '--wait', '--json'])
  t.teardown(() => waiting.kill('SIGKILL'))
  await once(waiting, 'exit')
  t.is(waiting.exitCode, 0, 'an empty file needs nobody')
  await alice.json('login', 'alice')
  writeFileSync(join(alice.folder, 'song.ogg'), Buffer.alloc(700_000, 'la'))
  await alice.json('share', 'song.ogg', 'reef')
  await alice.json('logout')
  const stalled = bob.start(['download', 'reef', 'song.ogg', '.', '--wait', '--json'])
  t.teardown(() => stalled.kill('SIGKILL'))
  let id = 0
  for await (const line of createInterface({ input: stalled.stdout! })) {
    const view = JSON.parse(line)
    if (view.state !== 'stalled') continue
    t.is(view.error.code, 'no-sharers')
    id = view.id
    break
  }
  const ended = once(stalled, 'exit')
  stalled.kill('SIGINT')
  t.deepEqual(await ended, [130, null])

  const watching = bob.start(['downloads', '--watch', '--json'])
  t.teardown(() => watching.kill('SIGKILL'))
  const [list] = await once(createInterface({ input: watching.stdout! }), 'line')
  t.like(JSON.parse(list).at(-1), { id, name: 'song.ogg', state: 'stalled', pieces: { done: 0, total: 2 }, peers: [] })
  const watched = once(watching, 'exit')
  watching.kill('SIGINT')
  t.deepEqual(await watched, [130, null])

  t.like((await bob.json('pause', String(id)))[0], { id, state: 'paused' })
  const lines = (await bob.run(['show_downloads'])).out.trim().split('\n')
  t.is(lines[0], '[C] [reef] film.mkv')
  t.is(lines.at(-1), '[P] [reef] song.ogg (0/2 pieces, 0%)')
  t.deepEqual(await bob.refusal('pause', '99'), refused('no-such-download'))
  t.deepEqual(await bob.refusal('pause', 'song.ogg'), usage)
  t.like((await bob.json('resume', String(id)))[0], { id })
  await alice.json('login', 'alice')
  const again = await bob.json<{ state: string }>('download', 'reef', 'song.ogg', '.', '--wait')
  t.is(again.at(-1)!.state, 'completed')
  t.deepEqual(await bob.refusal('cancel', String(id)), { code: 'not-running', exit: 1 })
  await until('both share the song', () => isSharedByBoth('song.ogg'))

  await alice.json('stop_share', 'reef', 'song.ogg')
  await bob.json('unshare', 'reef', 'song.ogg')
  t.deepEqual(await bob.refusal('unshare', 'reef', 'song.ogg'), refused('no-such-file'))
  t.deepEqual(await alice.refusal('download', 'reef', 'song.ogg', 'again'), refused('no-such-file'))
})

test.serial('A shell at the end of a pipe runs every line, in both spellings, and fails if one did.', async t => {
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const { run } = commandLine(t, cluster.servers)
  const good = [
    'create_user carol correct-horse',
    'login carol correct-horse',
    '# a comment',
    '',
    'create_group reef',
    'whoami',
  ]
  const { code, out, err } = await run(['shell'], { input: `${good.join('\n')}\nexit\nnot reached` })
  t.deepEqual({ code, err }, { code: 0, err: '' })
  t.regex(out, /^Created the account carol.*Logged in as carol\.\nCreated reef.*carol on device/s)

  const bad = await run(['shell', '--json'], { input: 'group list\ngroup create reef\nnonsense\nwhoami\n' })
  t.is(bad.code, 1)
  const documents = bad.out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line))
  t.is(documents[0][0].group, 'reef')
  t.deepEqual(
    documents.slice(1).map(document => document.error?.code ?? document.user),
    ['group-exists', 'usage', 'carol', 'commands-failed'],
  )
})

test.serial('Commands say when there is no broker, log-in or cluster, and change nothing.', async t => {
  const { refusal, run } = commandLine(t, [`127.0.0.1:${await freePort()}`])
  t.like(await run(['signup', 'alice']), { code: 3, out: '' })
  t.deepEqual(await refusal('signup', 'alice'), unreachable)
  t.deepEqual(await refusal('login', 'alice'), unreachable)
  t.deepEqual(await refusal('whoami'), refused('not-logged-in'))
  t.deepEqual(await refusal('cluster', 'status'), refused('no-cluster'))
  t.like(await run(['--home', '/dev/null/x', 'whoami']), { code: 1, out: '' })
})

test.serial('A cluster comes up in this home, is watched, broken, mended and brought down.', async t => {
  const { run, json, refusal, home } = commandLine(t, [])
  const port = String(await freePort())
  t.teardown(() => run(['cluster', 'down']))
  t.deepEqual(await refusal('cluster', 'up', '--port', 'x'), usage)
  interface Node {
    node: string
    kind: string
    state: string
    address: string | null
    pid: number | null
    leader: boolean
  }
  const [nodes] = await json<Node[]>('cluster', 'up', '--port', port, '--brokers', '1', '--trackers', '2')
  t.like(nodes![0], { node: 'n1', kind: 'broker', state: 'running', address: `127.0.0.1:${port}` })
  const states = async () => {
    const [now] = await json<Node[]>('cluster', 'status')
    return Object.fromEntries(now!.map(({ node, state }) => [node, state]))
  }
  t.deepEqual(await states(), { n1: 'running', t1: 'running', t2: 'running' })

  // The home that holds the cluster asks the trackers without a log-in and without naming servers.
  const names = async () => (await json<{ name: string }[]>('trackers'))[0]!.map(({ name }) => name)
  t.deepEqual(await names(), ['t1', 't2'])
  await json('signup', 'alice')
  await json('login', 'alice')

  /** By the operator; a tracker that has not applied it yet would go by what was. */
  const decided = async <T>(...words: string[]) => {
    const [document] = await json<T>('cluster', ...words)
    await until('both trackers know', async () => {
      const [rows] = await json<{ seq: number }[]>('trackers')
      return rows!.length === 2 && rows![0]!.seq === rows![1]!.seq
    })
    return document!
  }
  t.deepEqual(await refusal('cluster', 'up', '--sign-up', 'ajar'), usage)
  await decided('up', '--sign-up', 'closed')
  t.deepEqual(await refusal('signup', 'bob'), refused('sign-up-closed'))
  const bob = await decided<{ user: string; password: string }>('user', 'add', 'bob')
  t.deepEqual(await refusal('cluster', 'user', 'add', 'bob'), refused('user-exists'))
  const bobs = commandLine(t, [`127.0.0.1:${port}`], bob.password)
  await bobs.json('login', 'bob')
  t.deepEqual(await bobs.refusal('cluster', 'user', 'list'), refused('no-cluster'))
  await decided('user', 'disable', 'bob')
  t.deepEqual(await bobs.refusal('group', 'list'), refused('disabled'))
  t.deepEqual(await bobs.refusal('login', 'bob'), refused('disabled'))
  const [users] = await json<object[]>('cluster', 'user', 'list')
  t.like(users, [
    { user: 'alice', devices: 1, groups: 0, state: 'active' },
    { user: 'bob', devices: 1, groups: 0, state: 'disabled' },
  ])
  await decided('user', 'enable', 'bob')
  await bobs.json('group', 'list')
  await decided('user', 'reset', 'bob')
  t.deepEqual(await bobs.refusal('group', 'list'), refused('not-logged-in'))
  t.deepEqual(await bobs.refusal('login', 'bob'), refused('bad-credentials'))
  t.deepEqual(await refusal('cluster', 'user', 'disable', 'nobody'), refused('no-such-user'))
  t.deepEqual(await refusal('cluster', 'group', 'transfer', 'reef', 'bob'), refused('no-such-group'))
  t.deepEqual(await decided('user', 'delete', 'bob'), { user: 'bob' })
  t.deepEqual(await refusal('cluster', 'user', 'add', 'bob'), refused('user-exists'))
  t.deepEqual(
    (await json<{ user: string }[]>('cluster', 'user', 'list')).flat().map(({ user }) => user),
    ['alice'],
  )
  await json('cluster', 'up', '--sign-up', 'open')
  await json('signup', 'carol')

  t.deepEqual(await json('cluster', 'kill', 't1'), [{ node: 't1' }])
  t.deepEqual(await states(), { n1: 'running', t1: 'stopped', t2: 'running' })
  await json('group', 'create', 'reef')
  t.deepEqual(await refusal('cluster', 'kill', 'n9'), refused('no-such-node'))
  await json('cluster', 'start', 't1')
  await json('cluster', 'stop', 't2')
  t.deepEqual(await names(), ['t1'])
  t.like((await json<object[]>('group', 'list'))[0]![0], { group: 'reef', you: 'owner' })

  await json('cluster', 'stop', 't1')
  t.deepEqual(await refusal('group', 'list'), unreachable)
  const session = readFileSync(join(home, 'session.json'))
  t.deepEqual(await json('logout'), [{ user: 'alice', trackers: 'later', agent: 'running' }])
  t.deepEqual(await refusal('whoami'), refused('not-logged-in'))
  await json('cluster', 'start', 't1')
  await until('the agent has told the trackers', () => openHome(home).owedLogouts().length === 0)
  writeFileSync(join(home, 'session.json'), session)
  t.deepEqual(await refusal('group', 'list'), refused('not-logged-in'), 'the log-in is revoked')
  mkdirSync(join(home, 'elsewhere'))
  t.deepEqual(await refusal('tracker', 'run'), usage)
  t.deepEqual(await refusal('tracker', 'run', '--name', 't3', '--cluster', 'elsewhere'), refused('no-cluster'))
  await json('quit')
  t.deepEqual(await states(), { n1: 'stopped', t1: 'stopped', t2: 'stopped' })
})
