// What a device's processes tell each other of the log, with trackers that answer at once.

import { rmSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import type { Msg, NatsConnection } from 'nats'
import { createDeviceTrackerClient } from '../../../src/actors/client/device-tracker-client.ts'
import { openHome } from '../../../src/actors/device/home.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

/** Everything that is asked is answered with an empty page, as of that sequence. */
function answeringAt(seq: number): NatsConnection {
  let hear: (message: Msg) => void = () => {}
  const message = { data: Buffer.from(JSON.stringify({ ok: true, seq, result: { rows: [] } })) } as unknown as Msg
  return {
    subscribe(_subject: string, options: { callback: (error: null, message: Msg) => void }) {
      hear = said => options.callback(null, said)
      return { unsubscribe() {} }
    },
    publish: () => setImmediate(hear, message),
  } as unknown as NatsConnection
}

const session = { user: 'alice', device: 'aaaaaaaaaaaa', credential: 'c'.repeat(43) }
const homeOf = (t: ExecutionContext) => openHome(join(tempFolder(t), 'home'))

test('A process starts from the sequence that the previous one had seen.', async t => {
  const home = homeOf(t)
  await createDeviceTrackerClient(answeringAt(7), session, home).ask('group.list', {})
  t.is(createDeviceTrackerClient(answeringAt(0), session, home).seen, 7)
})

test('If the sequence cannot be saved, this process still uses it.', async t => {
  const home = homeOf(t)
  const trackers = createDeviceTrackerClient(answeringAt(7), session, home)
  rmSync(home.folder, { recursive: true })
  t.deepEqual(await trackers.ask('group.list', {}), { ok: true, value: { rows: [] } })
  t.notThrows(() => trackers.advance(9))
  t.is(trackers.seen, 9)
})
