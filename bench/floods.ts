// What a member notices while three connections flood the cluster: the 95th percentile of `files`, `group create` and log-in,
// beside the same right before and after without a flood, the brokers' memory, and whether a tracker was cut off or the member
// shown offline. Each operation connects anew, as a command does.
//   npm run bench -- floods [--seconds 30] [--quiet-seconds 15] [--flood NAME]

import { type ChildProcess, fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import { connectBroker } from '../src/actors/client/broker-connection.ts'
import { createTrackerClient, type TrackerClient } from '../src/actors/client/tracker-client.ts'
import { plainStyle } from '../src/cli/render/style.ts'
import { renderTable } from '../src/cli/render/table.ts'
import { clusterStatus } from '../src/cluster/cluster.ts'
import {
  apiSubject,
  inboxPrefix,
  presenceSubject,
  relaySubject,
  signUpSubject,
  trackersStats,
} from '../src/wire/subjects.ts'
import { startCluster } from '../test/helpers/cluster.ts'
import { granted } from '../test/helpers/granted.ts'
import { manifestOf } from '../test/helpers/manifest-of.ts'
import { outsideTest } from '../test/helpers/outside-test.ts'
import { logIn, type Person, person, signUp } from '../test/helpers/person.ts'
import { watchTrackerConnections } from '../test/helpers/tracker-connection-ids.ts'
import type { FloodOrder, FloodReport } from './support/flooder.ts'
import { processorSeconds, residentMiB } from './support/process-usage.ts'

const { values } = parseArgs({
  options: {
    seconds: { type: 'string', default: '30' },
    'quiet-seconds': { type: 'string', default: '15' },
    flood: { type: 'string', default: '' },
  },
})
const seconds = Number(values.seconds)
const quietSeconds = Number(values['quiet-seconds'])
const pauseMs = 50
/** Log-ins take turns between them: a user may have 64 devices, and a quiet machine does 2,600 log-ins in all. */
const loggingIn = Array.from({ length: 64 }, (_, at) => `nora-${at}`)

const outside = outsideTest()
const cluster = await startCluster(outside.t)
const { servers } = cluster
const [mia, ...flooders] = (await Promise.all(
  ['mia', 'eve', 'mallory', 'trudy', 'peggy'].map(user => person(outside.t, servers, user)),
)) as [Person, ...Person[]]
for (const { connection } of flooders) await connection.close()
for (const user of loggingIn) granted(await signUp(servers, user))
granted(await mia.trackers.ask('group.create', { group: 'reef' }))
granted(await mia.trackers.ask('share.add', { group: 'reef', manifest: manifestOf('film', Buffer.from('film')) }))
// Lists that a flood can ask for.
for (let at = 0; at < 1_000; at++) granted(await mia.trackers.ask('group.create', { group: `group-${at}` }))
const beat = () => {
  const heartbeat = JSON.stringify({ state: 'online', port: 4001, fetching: [] })
  mia.connection.publish(presenceSubject(mia, '127.0.0.1'), heartbeat)
}
beat()
const beating = setInterval(beat, 2_000)
const trackerConnections = await watchTrackerConnections(outside.t, cluster)
const processes = (await clusterStatus(cluster.folder)).map(({ node, kind, pid }) => ({ node, kind, pid: pid! }))
const brokers = processes.filter(({ kind }) => kind === 'broker')
const largestMiB = () => Math.max(...brokers.map(({ pid }) => residentMiB(pid)))

type Flood = Omit<FloodOrder, 'servers' | 'seconds'>
const asked = JSON.stringify({ id: '00000000-0000-4000-8000-000000000000', seen: 0, params: {} })
const guestFlood = (from: string): Flood => {
  const nonce = randomBytes(16).toString('hex')
  return { from, login: { kind: 'guest', nonce }, subject: signUpSubject(from), reply: '', body: '' }
}
const deviceFlood = (by: Person, subject: string, reply: boolean, body: string | number): Flood => ({
  from: '127.0.0.1',
  login: { kind: 'device', user: by.user, device: by.device, credential: by.credential },
  subject,
  reply: reply ? `${inboxPrefix(by.user)}.x` : '',
  body,
})
const [eve, mallory, trudy, peggy] = flooders as [Person, Person, Person, Person]
const floods: Record<string, Flood> = {
  'empty sign-ups by guests': guestFlood('127.0.6.1'),
  'group.list by one account': deviceFlood(eve, apiSubject(eve, 'read', 'group.list'), true, asked),
  'stats by one account': deviceFlood(mallory, trackersStats(mallory), true, ''),
  'heartbeats of 0.9 MB': deviceFlood(trudy, presenceSubject(trudy, '127.0.0.1'), false, 900_000),
  // No tracker hears it, and it reaches no one: no tracker introduced the two (docs/adr/0026).
  'relayed bytes, 0.9 MB each': {
    from: '127.0.0.1',
    login: { kind: 'relay', user: peggy.user, device: peggy.device, credential: peggy.credential },
    subject: relaySubject(mia, peggy, '0'.repeat(32)),
    reply: '',
    body: 900_000,
  },
}

const asMia = async <T>(work: (trackers: TrackerClient) => Promise<T>): Promise<T> => {
  const connection = await connectBroker(servers, { kind: 'device', ...mia }, 'bench')
  try {
    return await work(createTrackerClient(connection, mia))
  } finally {
    await connection.close()
  }
}
let [offline, logIns] = [0, 0]
const operations = {
  files: () =>
    asMia(async trackers => {
      const { rows } = granted(await trackers.ask('group.files', { group: 'reef' }))
      if (rows[0]?.online !== 1) offline += 1
    }),
  create: () =>
    asMia(async trackers => granted(await trackers.ask('group.create', { group: randomBytes(8).toString('hex') }))),
  login: () => logIn(servers, loggingIn[logIns++ % loggingIn.length]!),
} satisfies Record<string, () => Promise<unknown>>
type Operation = keyof typeof operations
type Took = Record<Operation, number[]>

let failures: string[] = []
/** In ms each. */
const work = async (forSeconds: number, took: Took) => {
  const endsAt = performance.now() + forSeconds * 1000
  await Promise.all(
    Object.entries(operations).map(async ([operation, run]) => {
      while (performance.now() < endsAt) {
        const startedAt = performance.now()
        await run().catch((error: Error) => {
          failures.push(`${operation}: ${error.message}`)
        })
        took[operation as Operation].push(performance.now() - startedAt)
        await delay(pauseMs)
      }
    }),
  )
}
const p95 = (values: readonly number[]) => values.toSorted((a, b) => a - b)[Math.floor(values.length * 0.95)]!
const compared = (quiet: readonly number[], flooded: readonly number[]) =>
  `${p95(quiet).toFixed(0)} / ${p95(flooded).toFixed(0)} ms, ${(p95(flooded) / p95(quiet)).toFixed(1)}x`

const begin = async (flood: Flood): Promise<ChildProcess> => {
  const order: FloodOrder = { ...flood, servers, seconds }
  const child = fork(join(import.meta.dirname, 'support', 'flooder.ts'), [JSON.stringify(order)])
  await once(child, 'message')
  return child
}
/** Processor seconds of each process meanwhile, as text. */
const using = async (what: Promise<unknown>) => {
  const before = processes.map(({ pid }) => processorSeconds(pid))
  await what
  return processes.map(({ node, pid }, at) => `${node} ${(processorSeconds(pid) - before[at]!).toFixed(1)}`).join(' ')
}

const rows: Record<string, string>[] = []
const measure = async (name: string, flood: Flood) => {
  const [quiet, flooded]: [Took, Took] = [
    { files: [], create: [], login: [] },
    { files: [], create: [], login: [] },
  ]
  ;[failures, offline] = [[], 0]
  const quietUse = await using(work(quietSeconds, quiet))
  const [quietFailures, quietOffline] = [failures.length, offline]
  const before = await trackerConnections()
  let peakMiB = 0
  const sampling = setInterval(() => {
    peakMiB = Math.max(peakMiB, largestMiB())
  }, 250)
  const flooder = await begin(flood)
  const reported = once(flooder, 'message') as Promise<[FloodReport]>
  flooder.send('go')
  const floodedUse = await using(work(seconds, flooded))
  const [{ letIn, sent, cutOffMs }] = await reported
  clearInterval(sampling)
  const after = await trackerConnections()
  const [floodFailures, floodOffline] = [failures.length - quietFailures, offline - quietOffline]
  await work(quietSeconds, quiet)
  rows.push({
    name,
    files: compared(quiet.files, flooded.files),
    create: compared(quiet.create, flooded.create),
    login: compared(quiet.login, flooded.login),
    failed: `${failures.length - floodFailures} / ${floodFailures}`,
    offline: `${offline - floodOffline} / ${floodOffline}`,
    memory: `${peakMiB.toFixed(0)} MiB`,
    trackersCutOff: String(before.filter(id => !after.includes(id)).length),
    flooder: `${cutOffMs ?? 'not'} ms, ${sent} sent, let in ${letIn}x`,
  })
  console.error(JSON.stringify({ ...rows.at(-1), quietUse, floodedUse, failures: [...new Set(failures)] }))
}

try {
  // A first round that is not measured.
  for (const run of Object.values(operations)) await run()
  for (const [name, flood] of Object.entries(floods)) if (name.includes(values.flood)) await measure(name, flood)
} finally {
  clearInterval(beating)
  await outside.end()
}
const column = (head: string, key: string) => ({ head, cell: (row: Record<string, string>) => row[key] ?? '' })
console.log(
  renderTable(
    [
      column('FLOOD', 'name'),
      column('FILES, P95: QUIET / FLOOD', 'files'),
      column('CREATE', 'create'),
      column('LOG-IN', 'login'),
      column('FAILED', 'failed'),
      column('OFFLINE', 'offline'),
      column('BROKER', 'memory'),
      column('TRACKERS CUT OFF', 'trackersCutOff'),
      column('FLOODER CUT OFF AFTER', 'flooder'),
    ],
    rows,
    plainStyle,
  ),
)
process.exit()
