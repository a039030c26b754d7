// The main job, to watch: a cluster on free ports in its own folder, four people, a group, and one file that two of them
// share and the other two download at the same time, while a tracker and a broker are killed. All of it goes through the
// command line. Exits with 0 only if every byte arrived and both trackers agree. It leaves nothing behind, however it ends.

import { createHash } from 'node:crypto'
import { createReadStream, existsSync, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { styleText } from 'node:util'
import { writeRandomFile } from '../bench/support/random-file.ts'
import { stopAgent } from '../src/actors/device/agent-process.ts'
import { openHome } from '../src/actors/device/home.ts'
import { styleFor } from '../src/cli/render/style.ts'
import { type Column, renderTable } from '../src/cli/render/table.ts'
import {
  clusterDown,
  clusterStatus,
  clusterUp,
  killNode,
  type RunningCluster,
  startNode,
} from '../src/cluster/cluster.ts'
import { findPlan } from '../src/cluster/cluster-plan.ts'
import { freePort } from '../src/cluster/free-port.ts'
import { formatBytes } from '../src/domain/quantities.ts'
import { createProgressDisplay, type DownloadProgress } from './demo-progress.ts'
import { onEndSignal } from './on-end-signal.ts'
import { Commands, type Person, person } from './person.ts'

const sizeBytes = 256 * 1024 * 1024
const names = ['alice', 'bob', 'carol', 'dave'] as const
const folder = mkdtempSync(join(tmpdir(), 'shoal-demo-'))
const cluster = join(folder, 'cluster')
const commands = new Commands()
let starting: Promise<RunningCluster> | undefined

const say = (text = '') => console.log(text)
const indented = (text: string) => text.replaceAll(/^/gm, '  ')
const good = (text: string) => say(`  ${styleText('green', '✔')} ${text}`)
const chapter = (text: string) => say(`\n${styleText('bold', text)}`)

interface DemoPerson extends Person {
  readonly files: string
}
type People = Readonly<Record<(typeof names)[number], DemoPerson>>

const homeOf = (name: string) => join(folder, name)

function demoPerson(name: string, servers: readonly string[]): DemoPerson {
  const home = homeOf(name)
  const files = join(home, 'files')
  mkdirSync(files, { recursive: true })
  return { ...person(commands, { name, home, servers, password: `${name} likes long passwords` }), files }
}

async function startCluster(): Promise<readonly string[]> {
  chapter('The cluster')
  starting = clusterUp({ folder: cluster, host: '127.0.0.1', port: await freePort(), brokers: 3, trackers: 2 })
  const { servers } = await starting
  good(`three brokers and two trackers are up at ${servers.join(', ')}`)
  return servers
}

async function gatherPeople(servers: readonly string[]): Promise<People> {
  chapter('The people')
  const people = Object.fromEntries(names.map(name => [name, demoPerson(name, servers)])) as People
  await Promise.all(
    Object.values(people).map(async ({ name, shoal }) => {
      await shoal('signup', name)
      await shoal('login', name)
    }),
  )
  good('alice, bob, carol and dave signed up and logged in, each on their own device')
  const { alice, bob, carol, dave } = people
  await alice.shoal('group', 'create', 'reef')
  await Promise.all([bob, carol, dave].map(({ shoal }) => shoal('group', 'join', 'reef')))
  const requests: { user: string }[] = JSON.parse(await alice.shoal('group', 'requests', 'reef', '--json'))
  for (const { user } of requests) await alice.shoal('group', 'accept', 'reef', user)
  good(`alice created the group reef; ${requests.map(({ user }) => user).join(', ')} asked to join, and she accepted`)
  return people
}

/** Returns the path of alice's copy. */
async function shareFile({ alice, bob, carol }: People): Promise<string> {
  chapter('The file')
  const original = join(alice.files, 'reef.bin')
  writeRandomFile(original, sizeBytes)
  await copyFile(original, join(bob.files, 'reef.bin'))
  await alice.shoal('share', original, 'reef')
  await bob.shoal('share', join(bob.files, 'reef.bin'), 'reef')
  say(indented(await carol.shoal('files', 'reef')))
  return original
}

interface Kill {
  readonly node: string
  readonly atPercent: number
  struckAt?: number
}

/** Returns the last progress of each download. Kills each node once, when the first download has come that far. */
async function downloadWhileNodesDie(
  downloaders: readonly DemoPerson[],
  kills: readonly Kill[],
): Promise<ReadonlyMap<string, DownloadProgress>> {
  chapter('Carol and dave download it at the same time; a tracker and a broker die meanwhile')
  const display = createProgressDisplay(downloaders.map(({ name }) => name))
  const last = new Map<string, DownloadProgress>()
  const strike = (name: string, percent: number) => {
    for (const kill of kills) {
      if (kill.struckAt !== undefined || percent < kill.atPercent || percent === 100) continue
      kill.struckAt = percent
      killNode(cluster, kill.node).then(
        () => display.log(`  ${styleText('red', '✗')} ${kill.node} killed with ${name} at ${percent}%`),
        error => display.log(`  ${kill.node} could not be killed: ${error.message}`),
      )
    }
  }
  const follow = ({ name, files, follow }: DemoPerson) =>
    follow(['download', 'reef', 'reef.bin', files, '--wait', '--json'], line => {
      const progress: DownloadProgress = JSON.parse(line)
      if (!progress.pieces) return
      last.set(name, progress)
      display.show(name, progress)
      strike(name, Math.floor((100 * progress.pieces.done) / (progress.pieces.total || 1)))
    })
  await Promise.all(downloaders.map(follow)).finally(() => display.stop())
  for (const { node, struckAt } of kills) if (struckAt === undefined) throw new Error(`${node} was not killed in time`)
  return last
}

const deliveryColumns: Column<DownloadProgress['peers'][number] & { name: string }>[] = [
  { head: 'DOWNLOADER', cell: ({ name }) => name },
  { head: 'FROM', cell: ({ user }) => user },
  { head: 'PIECES', align: 'right', cell: ({ pieces }) => pieces },
  { head: 'BYTES', align: 'right', cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'VIA', cell: ({ via }) => via },
]

async function showArrivals(
  original: string,
  downloaders: readonly DemoPerson[],
  last: ReadonlyMap<string, DownloadProgress>,
): Promise<void> {
  chapter('What arrived')
  const [expected, ...arrived] = await Promise.all(
    [original, ...downloaders.map(({ files }) => join(files, 'reef.bin'))].map(sha256),
  )
  if (arrived.some(hash => hash !== expected)) throw new Error('a file differs from the original')
  good(`both files are identical to alice's: SHA-256 ${expected?.slice(0, 16)}…`)
  const deliveries = [...last].flatMap(([name, { peers }]) => peers.map(delivery => ({ name, ...delivery })))
  say(indented(renderTable(deliveryColumns, deliveries, styleFor(process.stdout))))
  for (const { name, shoal } of downloaders) say(`  ${name}$ show_downloads\n  ${await shoal('show_downloads')}`)
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

async function showTrackersAgree({ alice }: People, kills: readonly Kill[]): Promise<void> {
  chapter('The trackers')
  const created = await alice.shoal('group', 'create', 'after-the-storm')
  good(`with ${kills.map(({ node }) => node).join(' and ')} still dead, a command works: ${created.trim()}`)
  for (const { node } of kills) {
    // A node started after the cluster was taken down would outlive this script.
    if (cleaning) return
    await startNode(cluster, node)
  }
  await trackersAgree(alice)
  say(indented(await alice.shoal('trackers')))
  good(`${kills.map(({ node }) => node).join(' and ')} are back, and the trackers agree`)
}

/** A tracker that came back has read the whole log within seconds; throws when the two still differ after ten. */
async function trackersAgree({ shoal }: Person): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const trackers: { seq: number; digest: string }[] = JSON.parse(await shoal('trackers', '--json'))
    if (trackers.length === 2 && new Set(trackers.map(({ seq, digest }) => `${seq} ${digest}`)).size === 1) return
    if (Date.now() > deadline) throw new Error('the trackers do not agree')
  }
}

async function demo(): Promise<void> {
  say(styleText('bold', 'Shoal: one file, four people, three brokers, two trackers'))
  say(`Everything happens on this machine, in ${folder}.`)
  const people = await gatherPeople(await startCluster())
  const original = await shareFile(people)
  const leader = (await clusterStatus(cluster)).find(({ kind, leader }) => kind === 'broker' && leader)?.node ?? 'n1'
  const kills: Kill[] = [
    { node: 't1', atPercent: 10 },
    { node: leader, atPercent: 30 },
  ]
  const downloaders = [people.carol, people.dave]
  const last = await downloadWhileNodesDie(downloaders, kills)
  await showArrivals(original, downloaders, last)
  await showTrackersAgree(people, kills)
}

/** Waits for what is still starting, then stops it. */
async function cleanUp(): Promise<void> {
  await commands.stop()
  await Promise.allSettled(
    names
      .map(homeOf)
      .filter(existsSync)
      .map(home => stopAgent(openHome(home))),
  )
  if (starting) {
    await starting.catch(() => {})
    if (findPlan(cluster)) await clusterDown(cluster)
  }
  rmSync(folder, { recursive: true, force: true })
}

let cleaning: Promise<void> | undefined
async function end(code: number): Promise<void> {
  cleaning ??= cleanUp()
  await cleaning.catch(error => console.error(`while cleaning up ${folder}: ${error.message}`))
  process.exit(code)
}
async function fail(error: Error): Promise<void> {
  // A step that fails because the script is ending does not count as a failure.
  if (!cleaning) console.error(`\n${basename(import.meta.filename)}: ${error.message}`)
  await end(1)
}
onEndSignal(code => {
  say('\nStopping what was started …')
  void end(code)
})
process.on('uncaughtException', fail)

const startedAt = performance.now()
await demo().catch(fail)
say(`\n${styleText('green', 'Done')} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; cleaning up.`)
await end(0)
