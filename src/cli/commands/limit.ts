// limit: how much of its connection this device may use, for all files and peers together. Units are those in which rates
// are printed: a kilobyte has 1024 bytes, however it is spelled.

import { limitTunables, uploadTunables } from '../../../config/swarm.ts'
import { formatBytes, formatRate } from '../../domain/quantities.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { Limits } from '../../wire/agent-api.ts'
import { askAgent } from '../ask.ts'
import { command } from '../command.ts'
import type { Result } from '../result.ts'

const { leastBytesPerSecond, mostBytesPerSecond, leastConnections } = limitTunables
const mostConnections = uploadTunables.maxSessions

const powers = { '': 0, k: 1, m: 2, g: 3, t: 4 }

/** "1.5 MiB/s" -> 1572864; null for "off". */
export function parseRate(typed: string): Outcome<number | null> {
  const words = typed.trim().toLowerCase()
  if (words === 'off') return done(null)
  const shown = typed.slice(0, 40)
  const examples = 'Examples: 500k, 2MB/s, off'
  if (/bit|bps$/.test(words))
    return refuse('usage', `"${shown}" is in bits; rates are in bytes per second. ${examples}`)
  const [, number, unit] = /^(\d{1,15}(?:\.\d{1,15})?)\s*(?:([kmgt])i?)?b?(?:\/s)?$/.exec(words) ?? []
  if (number === undefined) return refuse('usage', `"${shown}" is not a rate. ${examples}`)
  const rate = Math.round(Number(number) * 1024 ** powers[(unit ?? '') as keyof typeof powers])
  if (rate < leastBytesPerSecond)
    return refuse(
      'usage',
      `"${shown}" is too low; the lowest rate is ${formatRate(leastBytesPerSecond)}, typed as ${leastBytesPerSecond / 1024}k`,
    )
  if (rate > mostBytesPerSecond)
    return refuse('usage', `"${shown}" is too high to limit anything; for no limit, type off`)
  return done(rate)
}

/** null for "off". */
export function parseConnections(typed: string): Outcome<number | null> {
  if (typed.trim().toLowerCase() === 'off') return done(null)
  const number = Number(typed)
  if (/^\d{1,9}$/.test(typed) && number >= leastConnections && number <= mostConnections) return done(number)
  return refuse(
    'usage',
    `"${typed.slice(0, 40)}" is not a number from ${leastConnections} to ${mostConnections}; for no limit, type off`,
  )
}

const rateOf = (limit: number | null) => (limit === null ? 'no limit' : formatRate(limit))

export function renderLimits({ up, down, connections }: Limits): string {
  return [
    `upload       ${rateOf(up)}`,
    `download     ${rateOf(down)}`,
    `connections  ${connections === null ? 'no limit' : `${connections} each way`}`,
  ].join('\n')
}

/** The limits that are set, in one line; undefined when none is. */
export function limitsInShort({ up, down, connections }: Limits): string | undefined {
  const set = [
    ...(up === null ? [] : [`${formatRate(up)} up`]),
    ...(down === null ? [] : [`${formatRate(down)} down`]),
    ...(connections === null ? [] : [`${connections} connections each way`]),
  ]
  return set.length === 0 ? undefined : set.join(', ')
}

const show = command({
  name: 'limit',
  summary: 'Show the limits of this device: upload, download, connections. Each covers all files and peers together.',
  example: 'limit',
  async run(context): Promise<Result<Limits>> {
    return askAgent(context, 'limits', {})
  },
  render: renderLimits,
})

const rateAbout = `bytes per second, as in 500k, 2MB or "1.5 MiB/s" (1k is 1024; at least ${formatBytes(leastBytesPerSecond)}); or off`

const rate = (direction: 'up' | 'down', summary: string, example: string) =>
  command({
    name: `limit ${direction}`,
    summary,
    example,
    args: { rate: rateAbout },
    async run(context, input): Promise<Result<Limits>> {
      const rate = parseRate(input.rate)
      return rate.ok ? askAgent(context, 'limits.change', { [direction]: rate.value }) : rate
    },
    render: renderLimits,
  })

const connections = command({
  name: 'limit connections',
  summary:
    'Limit how many peers this device serves at once, and how many it downloads from. ' +
    'Other peers are asked to retry; each running download keeps one connection.',
  example: 'limit connections 20',
  args: { most: `a number from ${leastConnections} to ${mostConnections}; or off` },
  async run(context, input): Promise<Result<Limits>> {
    const most = parseConnections(input.most)
    return most.ok ? askAgent(context, 'limits.change', { connections: most.value }) : most
  },
  render: renderLimits,
})

export const limitCommands = [
  show,
  rate(
    'up',
    'Limit the upload rate. Peers share it; under a low limit fewer of them are served at once.',
    'limit up 2MB',
  ),
  rate('down', 'Limit the download rate. Downloads share it.', 'limit down off'),
  connections,
]
