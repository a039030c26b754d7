import test from 'ava'
import fc from 'fast-check'
import { limitTunables } from '../../../config/swarm.ts'
import { limitsInShort, parseConnections, parseRate, renderLimits } from '../../../src/cli/commands/limit.ts'
import { commands } from '../../../src/cli/commands.ts'
import { plainStyle } from '../../../src/cli/render/style.ts'
import { formatRate } from '../../../src/domain/quantities.ts'
import { limitsSchema } from '../../../src/wire/agent-api.ts'

const mib = 2 ** 20

const rates: Record<string, number | null> = {
  off: null,
  OFF: null,
  '2MB': 2 * mib,
  '2MB/s': 2 * mib,
  '2 mb/s': 2 * mib,
  '2M': 2 * mib,
  '500k': 500 * 1024,
  '500kB/s': 500 * 1024,
  '1.5 MiB/s': 1.5 * mib,
  ' 0.5GiB ': mib * 512,
  '20000': 20_000,
  '20000B/s': 20_000,
  '16k': 16 * 1024,
  '1T': 2 ** 40,
}
for (const [typed, rate] of Object.entries(rates))
  test(`The rate "${typed}" is ${rate}.`, t => t.deepEqual(parseRate(typed), { ok: true, value: rate }))

const noRates: Record<string, RegExp> = {
  '0': /too low.*16 KiB\/s/,
  '0MB': /too low/,
  '1': /too low/,
  '15k': /the lowest rate is 16 KiB\/s, typed as 16k/,
  '-2MB': /^"-2MB" is not a rate\. Examples: 500k, 2MB\/s, off$/,
  '': /is not a rate/,
  none: /is not a rate/,
  'MB/s': /is not a rate/,
  '2 MB 3': /is not a rate/,
  '1e9': /is not a rate/,
  Infinity: /is not a rate/,
  '0x10000': /is not a rate/,
  '1,5MB': /is not a rate/,
  '2MB/h': /is not a rate/,
  '50Mbit/s': /in bits; rates are in bytes per second/,
  '50mbps': /in bits; rates are in bytes per second/,
  '2T': /too high to limit anything; .* type off$/,
}
for (const [typed, why] of Object.entries(noRates))
  test(`The rate "${typed}" is refused with what to do.`, t => {
    const refused = parseRate(typed)
    t.like(refused, { ok: false, code: 'usage' })
    t.regex(refused.ok ? '' : refused.message, why)
  })

test('A printed rate can be typed again, and means the same.', t => {
  fc.assert(
    fc.property(fc.integer({ min: limitTunables.leastBytesPerSecond, max: limitTunables.mostBytesPerSecond }), rate => {
      const parsed = parseRate(formatRate(rate))
      t.true(parsed.ok)
      if (parsed.ok) t.is(formatRate(parsed.value!), formatRate(rate))
    }),
  )
})

test('The agent accepts every limit that the parser accepts.', t => {
  fc.assert(
    fc.property(fc.string(), typed => {
      const [rate, most] = [parseRate(typed), parseConnections(typed)]
      if (rate.ok) t.true(limitsSchema.partial().safeParse({ up: rate.value }).success)
      if (most.ok) t.true(limitsSchema.partial().safeParse({ connections: most.value }).success)
    }),
  )
  for (const value of [0, -1, 1.5, limitTunables.leastBytesPerSecond - 1, '2MB'])
    t.false(limitsSchema.partial().safeParse({ down: value }).success)
})

test('Connections are a number from 4 to 200, or off.', t => {
  t.deepEqual(parseConnections('20'), { ok: true, value: 20 })
  t.deepEqual(parseConnections('off'), { ok: true, value: null })
  for (const typed of ['0', '3', '201', '-5', '4.5', 'many', '', '1e2', '99999999999999'])
    t.like(
      parseConnections(typed),
      { ok: false, code: 'usage', message: `"${typed}" is not a number from 4 to 200; for no limit, type off` },
      typed,
    )
})

test('Limits read as a table, and in short where they are set.', t => {
  const none = { up: null, down: null, connections: null }
  t.is(renderLimits(none), 'upload       no limit\ndownload     no limit\nconnections  no limit')
  t.is(
    renderLimits({ up: 2 * mib, down: 500 * 1024, connections: 20 }),
    'upload       2 MiB/s\ndownload     500 KiB/s\nconnections  20 each way',
  )
  t.is(limitsInShort(none), undefined)
  t.is(limitsInShort({ ...none, down: mib }), '1 MiB/s down')
  t.is(limitsInShort({ up: mib, down: mib, connections: 9 }), '1 MiB/s up, 1 MiB/s down, 9 connections each way')
})

test('The agent says in its status how it is limited, when it is.', t => {
  const status = commands.find(({ name }) => name === 'agent status')!
  const running = {
    agent: 'running',
    user: 'alice',
    device: 'abcdefabcdef',
    pid: 7,
    listen: '0.0.0.0:7000',
    uptimeSeconds: 60,
    sharing: 1,
    downloads: 0,
    peers: 2,
    memoryBytes: 50 * mib,
    limits: { up: 2 * mib, down: null, connections: null },
    troubles: [],
  }
  t.regex(status.render(running, plainStyle), /\n {2}limited to 2 MiB\/s up\n/)
  t.notRegex(status.render({ ...running, limits: { ...running.limits, up: null } }, plainStyle), /limited/)
})
