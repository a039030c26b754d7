// A recording served offline: what the page gets of it, and what is refused as none.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { openPageServer } from '../../../src/visualizer/server/page-server.ts'
import { readHead, replayRoutes } from '../../../src/visualizer/server/replay.ts'
import { type RecordingHead, recordingLineSchema, visualizerConfigSchema } from '../../../src/wire/visualizer-api.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const you = { user: 'alice', device: 'a'.repeat(12) }
const head: RecordingHead = { shoalRecording: 1, startedAt: 1_000, version: '0.0.1', you }
const lines = Array.from({ length: 20_000 }, (_, ms) => ({
  type: 'message',
  ms,
  subject: 'shoal.inspect.x',
  message: ms,
}))

function saved(t: ExecutionContext, text: string): string {
  const file = join(tempFolder(t), 'yesterday.jsonl')
  writeFileSync(file, text)
  return file
}

test('A recording is served whole, under the name of its owner, with no broker to connect to.', async t => {
  const text = [head, ...lines].map(line => `${JSON.stringify(line)}\n`).join('')
  const file = saved(t, text)
  const read = await readHead(file)
  if (!read.ok) return t.fail(read.message)
  const folder = tempFolder(t)
  const server = await openPageServer({ host: '127.0.0.1', port: 0, folder }, () => replayRoutes(file, read.value, []))
  t.teardown(() => server.close())
  const ask = (path: string, token = server.token) =>
    fetch(`http://127.0.0.1:${server.port}${path}`, { headers: { authorization: `Bearer ${token}` } })
  const config = visualizerConfigSchema.parse(await (await ask('/api/config')).json())
  t.like(config, { mode: 'replay', you, watch: null })
  for (const time of ['first', 'second']) t.is(await (await ask('/api/recording')).text(), text, time)
  t.is((await ask('/api/recording', 'x'.repeat(43))).status, 401)
  t.is((await ask('/api/events')).status, 404)
  t.true(recordingLineSchema.safeParse(lines[0]).success)
})

test('A file that is not a recording, or cannot be read, is refused.', async t => {
  const others = ['', '{', '{"shoalRecording":2}', JSON.stringify(lines[0]), JSON.stringify({ ...head, you: 'alice' })]
  for (const text of [...others, ' '.repeat(1_000_000)]) {
    const read = await readHead(saved(t, text))
    t.like(read, { ok: false, code: 'usage' }, text.slice(0, 40))
  }
  const folder = tempFolder(t)
  for (const file of [folder, join(folder, 'nothing')])
    t.like(await readHead(file), { ok: false, code: 'file-unreadable' }, file)
})
