import { PassThrough } from 'node:stream'
import { mock } from 'node:test'
import test from 'ava'
import fc from 'fast-check'
import { commandLineTunables } from '../../config/client.ts'
import { commands } from '../../src/cli/commands.ts'
import { createDisplay } from '../../src/cli/render/display.ts'
import { downloadDocument, downloadLine, downloadRow, oneDownload } from '../../src/cli/render/downloads.ts'
import { showable, showableDeep, showableJson } from '../../src/cli/render/escape.ts'
import { plainStyle } from '../../src/cli/render/style.ts'
import { renderTable } from '../../src/cli/render/table.ts'
import { formatBytes, formatDuration, formatRate, percentOf } from '../../src/domain/quantities.ts'
import type { DownloadView } from '../../src/wire/agent-api.ts'
import { readAvailable } from '../helpers/read-stream.ts'

const unsafe = /[\p{Cc}\p{Zl}\p{Zp}\u200b-\u200f\u202a-\u202e\u2066-\u2069\ufeff]/u

test('Terminal control characters are shown as text.', t => {
  t.is(showable('a\u001b[2Jb'), 'a\\u{1b}[2Jb')
  t.is(showable('evil\u202egpj.exe'), 'evil\\u{202e}gpj.exe')
  t.is(showable('two\nlines'), 'two\\u{a}lines')
  t.is(showable('Fête 日本 🎵'), 'Fête 日本 🎵')
})

test('No text stays unsafe, however deeply it is nested.', t => {
  fc.assert(
    fc.property(fc.jsonValue(), value => {
      t.notRegex(JSON.stringify(showableDeep({ value })).replaceAll(/\\u00../g, ''), unsafe)
    }),
  )
})

test('JSON is safe to show and still says the same.', t => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), name => {
      const text = showableJson({ name })
      t.notRegex(text, unsafe)
      t.is(JSON.parse(text).name, name)
    }),
  )
  t.is(JSON.parse(showableJson('\u{e0041}\u202e')), '\u{e0041}\u202e')
})

test('Sizes, rates, durations and percentages read as people say them.', t => {
  t.deepEqual([0, 999, 1024, 1536, 50_000_000, 2 ** 30, 5 * 2 ** 40].map(formatBytes), [
    '0 B',
    '999 B',
    '1 KiB',
    '1.5 KiB',
    '47.7 MiB',
    '1 GiB',
    '5 TiB',
  ])
  t.is(formatRate(2.5 * 1024 * 1024), '2.5 MiB/s')
  t.deepEqual([0, 0.42, 9.94, 59.4, 60, 75, 3600, 3661, 90_000].map(formatDuration), [
    '0 s',
    '0.4 s',
    '9.9 s',
    '59 s',
    '1 min',
    '1 min 15 s',
    '1 h',
    '1 h 1 min',
    '1 d 1 h',
  ])
  t.is(percentOf({ done: 999, total: 1000 }), 99)
  t.is(percentOf({ done: 0, total: 0 }), 100)
})

const view: DownloadView = {
  id: 7,
  group: 'reef',
  name: 'film.mkv',
  state: 'downloading',
  pieces: { done: 12, total: 40 },
  bytes: { done: 6_291_456, total: 20_971_520 },
  path: '/tmp/film.mkv',
  sha1: 'a'.repeat(40),
  peers: 2,
  bytesPerSecond: 2_097_152,
  seconds: 3,
  fetchedBytes: 6_291_456,
  deliveries: [{ user: 'alice', device: 'abcdefabcdef', pieces: 12, bytes: 6_291_456, via: 'relay' }],
}

test('Downloads read as the contract has it.', t => {
  const line = (change: Partial<DownloadView>) => downloadLine(downloadDocument({ ...view, ...change }))
  for (const state of ['queued', 'locating', 'downloading', 'stalled', 'verifying'] as const)
    t.is(line({ state }), '[D] [reef] film.mkv (12/40 pieces, 30%)')
  t.is(line({ state: 'paused' }), '[P] [reef] film.mkv (12/40 pieces, 30%)')
  t.is(line({ state: 'completed' }), '[C] [reef] film.mkv')
  t.is(
    line({ state: 'failed', error: { code: 'no-space', message: 'the disk is full' } }),
    '[F] [reef] film.mkv: the disk is full',
  )
  t.is(line({ state: 'cancelled' }), '[X] [reef] film.mkv')
})

test('At a terminal a download also says its number and how it goes.', t => {
  t.is(
    downloadRow(downloadDocument(view), plainStyle),
    '  7  [D] [reef] film.mkv (12/40 pieces, 30%)  2 MiB/s, 7 s left, from 2 peers',
  )
  t.deepEqual(oneDownload.lines(downloadDocument(view), plainStyle), [
    '███████░░░░░░░░░░░░░░░░░ [D] [reef] film.mkv (12/40 pieces, 30%)',
    '  2 MiB/s, 7 s left, from 2 peers',
    '  alice (abcdefabcdef) 12 pieces, 6 MiB, relayed',
  ])
})

test('In JSON, peers are the devices that delivered.', t => {
  const { peers, connected, size } = downloadDocument(view)
  t.deepEqual(peers, view.deliveries)
  t.is(connected, 2)
  t.is(size, 20_971_520)
})

test('Tables have no borders and align numbers to the right.', t => {
  const text = renderTable<{ name: string; size: number }>(
    [
      { head: 'NAME', cell: ({ name }) => name },
      { head: 'SIZE', align: 'right', cell: ({ size }) => size },
    ],
    [
      { name: 'a', size: 5 },
      { name: '日本', size: 1234 },
    ],
    plainStyle,
  )
  t.is(text, 'NAME  SIZE\na        5\n日本  1234')
})

/** A display whose output is collected. */
function collected(json: boolean, isTTY: { out?: boolean; err?: boolean } = {}) {
  const out = Object.assign(new PassThrough(), { isTTY: isTTY.out ?? false })
  const err = Object.assign(new PassThrough(), { isTTY: isTTY.err ?? false })
  const display = createDisplay({ out, err }, json)
  return { display, out: () => readAvailable(out), err: () => readAvailable(err) }
}

test('A failure is one line on standard error, and a document with --json.', t => {
  const failure = { code: 'no-such-group', message: 'there is no group\nof that \u001b[31mname' }
  const plain = collected(false)
  plain.display.failure(failure)
  t.is(plain.err(), 'shoal: there is no group\\u{a}of that \\u{1b}[31mname\n')
  t.is(plain.out(), '')

  const json = collected(true)
  json.display.failure(failure)
  t.deepEqual(JSON.parse(json.out()), { error: failure })
})

test('Renderers receive only safe text.', t => {
  const { display, out } = collected(false)
  display.result({ names: ['a\u001bb'] }, ({ names }) => names.join())
  t.is(out(), 'a\\u{1b}b\n')
})

test('A stream prints each item with --json, and without a terminal what has changed.', t => {
  const items = [view, view, { ...view, pieces: { done: 20, total: 40 } }].map(downloadDocument)
  const json = collected(true)
  for (const item of items) json.display.progress(item, oneDownload)
  t.deepEqual(
    json
      .out()
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).pieces.done),
    [12, 12, 20],
  )
  const plain = collected(false)
  for (const item of items) plain.display.progress(item, oneDownload)
  t.is(plain.out(), '[D] [reef] film.mkv (12/40 pieces, 30%)\n[D] [reef] film.mkv (20/40 pieces, 50%)\n')
})

test('A command with progress but no stream prints one document with --json.', t => {
  const { display, out } = collected(true)
  display.progress({ hashedBytes: 1 }, { isStream: false, lines: () => [] })
  display.result({ done: true }, () => '')
  t.is(out(), '{"done":true}\n')
})

test('A download that moved nothing says so, and claims no rate; another counts the bytes that were fetched.', t => {
  const { render } = commands.find(({ name }) => name === 'download')!
  const completed = { ...view, state: 'completed' as const, seconds: 2 }
  const text = (change: Partial<DownloadView>) => render(downloadDocument({ ...completed, ...change }), plainStyle)
  t.is(
    text({ fetchedBytes: 0, deliveries: [] }),
    'film.mkv was already at /tmp/film.mkv, complete and verified (20 MiB). Nothing was downloaded.',
  )
  t.regex(text({ fetchedBytes: 10_485_760 }), /^Downloaded film\.mkv to \/tmp\/film\.mkv: 20 MiB in 2 s, 5 MiB\/s\.\n/)
  t.regex(text({ fetchedBytes: 0, bytes: { done: 0, total: 0 }, deliveries: [] }), /^Downloaded .*: 0 B in 2 s/)
})

test('A command without a result, as the shell and the visualizer, prints no document.', t => {
  for (const json of [true, false]) {
    const { display, out, err } = collected(json, {})
    display.result(undefined, () => '')
    t.is(out() + err(), '')
  }
})

test('A hint is for a person whose output goes elsewhere: a terminal shows it, a script never does.', t => {
  const said = (json: boolean, isTTY: { out?: boolean; err?: boolean }) => {
    const { display, out, err } = collected(json, isTTY)
    display.hint('see --json')
    return out() + err()
  }
  t.is(said(false, { err: true }), 'see --json\n')
  t.is(said(false, {}), '')
  t.is(said(true, { err: true }), '')
  t.is(said(false, { out: true, err: true }), '')
})

test.serial(
  'A wait is shown on a terminal once it is long, and erased when it ends or something else is shown.',
  async t => {
    mock.timers.enable({ apis: ['setTimeout'] })
    t.teardown(() => mock.timers.reset())
    const { display, err } = collected(false, { err: true })
    const quick = Promise.withResolvers<number>()
    const answered = display.whileWaiting('the brokers', quick.promise)
    mock.timers.tick(commandLineTunables.sayWaitingAfterMs - 1)
    quick.resolve(7)
    t.is(await answered, 7)
    mock.timers.tick(commandLineTunables.sayWaitingAfterMs)
    t.is(err(), '')

    const slow = Promise.withResolvers<never>()
    const waiting = display.whileWaiting('the brokers', slow.promise)
    mock.timers.tick(commandLineTunables.sayWaitingAfterMs)
    t.is(err(), '\r\x1b[Kwaiting for the brokers …')
    display.note('news')
    t.is(err(), '\r\x1b[Knews\n')
    slow.reject(new Error('none'))
    await t.throwsAsync(waiting, { message: 'none' })
    t.is(err(), '')

    const last = Promise.withResolvers<void>()
    const ending = display.whileWaiting('the trackers', last.promise)
    mock.timers.tick(commandLineTunables.sayWaitingAfterMs)
    last.resolve()
    await ending
    t.is(err(), '\r\x1b[Kwaiting for the trackers …\r\x1b[K')
  },
)

test.serial('A wait is not shown with --json, nor where there is no terminal.', async t => {
  mock.timers.enable({ apis: ['setTimeout'] })
  t.teardown(() => mock.timers.reset())
  for (const { display, err } of [collected(true, { err: true }), collected(false, { out: true })]) {
    const { promise, resolve } = Promise.withResolvers<void>()
    const waiting = display.whileWaiting('the brokers', promise)
    mock.timers.tick(commandLineTunables.sayWaitingAfterMs)
    resolve()
    await waiting
    t.is(err(), '')
  }
})
