// Which of the connections that brokers list are taken for floods: by what was sent, for how long, and what was answered.

import test from 'ava'
import pino from 'pino'
import { unheardTunables } from '../../../config/load.ts'
import type { MessageSource } from '../../../src/actors/tracker/message-source.ts'
import { watchForUnheardFloods } from '../../../src/actors/tracker/unheard-floods.ts'
import { until } from '../../helpers/until.ts'

const mebibyte = 2 ** 20
const now = '2026-11-30T12:00:00.123456789Z'
const eve = `eve.${'0'.repeat(12)}`
const quiet = { authorized_user: eve, start: now, in_bytes: 0, in_msgs: 0, out_msgs: 0 }

/** The sources cut off, by the names of their connections, once brokers were asked twice. */
async function cutOffOf(connections: readonly object[]): Promise<string[]> {
  const cutOff: MessageSource[] = []
  let asked = 0
  const sys = {
    isClosed: () => false,
    async requestMany() {
      asked += 1
      const data = Buffer.from(JSON.stringify({ server: { id: 'N' }, data: { now, connections } }))
      return (async function* () {
        yield { data }
      })() as never
    },
  }
  const load = { cutOff: (_: string, source: MessageSource) => void cutOff.push(source) }
  const end = watchForUnheardFloods(sys, load, pino({ level: 'silent' }), { ...unheardTunables, lookEveryMs: 1 })
  await until('brokers were asked twice', () => asked >= 2)
  end()
  return [...new Set(cutOff.map(({ connection }) => connection))]
}

test('A device that sends far more than it is answered is cut off.', async t => {
  t.deepEqual(await cutOffOf([{ ...quiet, in_bytes: 257 * mebibyte }]), [eve])
  t.deepEqual(await cutOffOf([{ ...quiet, in_msgs: 100_001 }]), [eve])
})

test('A device that relays as fast as it is acknowledged, or sends a little for long, is not.', async t => {
  const relaying = { ...quiet, in_bytes: 10_000 * mebibyte, in_msgs: 80_000, out_msgs: 20_000 }
  const hourAgo = '2026-11-30T11:00:00Z'
  const watched = { ...quiet, start: hourAgo, in_bytes: 3_600 * mebibyte, in_msgs: 3_600 * 240 }
  t.deepEqual(await cutOffOf([quiet, relaying, watched]), [])
})

test('Only devices are: trackers send much, and what others may send is heard.', async t => {
  const flooding = { ...quiet, in_bytes: 1_000 * mebibyte }
  const names = ['UA'.padEnd(56, 'B'), 'eve', '.guest', 'eve.device', `eve.${'0'.repeat(12)}.x`, '']
  t.deepEqual(await cutOffOf(names.map(name => ({ ...flooding, authorized_user: name }))), [])
  t.deepEqual(await cutOffOf([{ cid: 1 }, flooding]), [], 'a list in an unknown form says nothing')
})
