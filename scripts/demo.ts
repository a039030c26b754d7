// The main job, to be watched: a cluster on free ports in a folder of its own, four people, a group, one file that two
// of them share and two others download at the same time, while a tracker and a broker are killed. Everything people do
// goes through the command line, as they would do it. Exits 0 only if every byte arrived and both trackers agree.

import { createHash } from 'node:crypto'
import { createReadStream, mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { copyFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { basename, join } from 'node:path'
import { pipeline } from 'node:stream/promises'
import { styleText } from 'node:util'
import { MultiBar, type SingleBar } from 'cli-progress'
import { writeRandomFile } from '../bench/support/random-file.ts'
import { styleFor } from '../src/cli/render/style.ts'
import { type Column, renderTable } from '../src/cli/render/table.ts'
import { clusterDown, clusterStatus, clusterUp, killNode, startNode } from '../src/cluster/cluster.ts'
import { freePort } from '../src/cluster/free-port.ts'
import { formatBytes, formatRate } from '../src/domain/quantities.ts'
import { endCommands, type Person, person } from './person.ts'

const sizeBytes = 256 * 1024 * 1024
const folder = mkdtempSync(join(tmpdir(), 'shoal-demo-'))
const cluster = join(folder, 'cluster')
const startedAt = performance.now()

const say = (text = '') => console.log(text)
const indented = (text: string) => text.replaceAll(/^/gm, '  ')
const good = (text: string) => say(`  ${styleText('green', '✔')} ${text}`)
const chapter = (text: string) => say(`\n${styleText('bold', text)}`)

interface DemoPerson extends Person {
  readonly folder: string
}

function aPerson(name: string, servers: string): DemoPerson {
  const home = join(folder, name)
  const files = join(home, 'files')
  mkdirSync(files, { recursive: true })
  return { ...person(name, home, servers, `${name} likes long passwords`), folder: files }
}

async function sha256(path: string): Promise<string> {
  const hash = createHash('sha256')
  await pipeline(createReadStream(path, { highWaterMark: 1024 * 1024 }), hash)
  return hash.digest('hex')
}

/** What arrives now, or on the average once all is there. */
const rateOf = ({ state, bytes, seconds, bytesPerSecond }: View) =>
  formatRate(state === 'completed' ? bytes.done / seconds : bytesPerSecond)

/** Two bars on a terminal, a line each tenth of the way elsewhere. */
function progressDisplay(names: readonly string[]) {
  const from = ({ peers }: View) => {
    const each = peers.map(({ user, pieces, via }) => `${user} ${pieces}${via === 'relay' ? ' (relay)' : ''}`)
    return each.length === 0 ? 'looking for peers' : `pieces from ${each.join(', ')}`
  }
  if (!process.stdout.isTTY) {
    const tenths = new Map<string, number>()
    return {
      show(name: string, view: View) {
        const tenth = Math.floor((10 * view.pieces.done) / view.pieces.total)
        if (tenth === tenths.get(name)) return
        tenths.set(name, tenth)
        say(`  ${name.padEnd(6)}${String(tenth * 10).padStart(4)}%  ${rateOf(view)}  ${from(view)}`)
      },
      log: say,
      stop() {},
    }
  }
  const bars = new MultiBar({
    format: '  {name} {bar} {percentage}%  {rate}  {from}',
    barCompleteChar: '█',
    barIncompleteChar: '░',
    hideCursor: true,
    barsize: 30,
  })
  const blank = { rate: '', from: '' }
  const byName = new Map<string, SingleBar>(
    names.map(name => [name, bars.create(1, 0, { name: name.padEnd(6), ...blank })]),
  )
  return {
    show(name: string, view: View) {
      const bar = byName.get(name)
      bar?.setTotal(view.pieces.total || 1)
      bar?.update(view.pieces.done, { rate: rateOf(view), from: from(view) })
    },
    log: (text: string) => bars.log(`${text}\n`),
    stop: () => bars.stop(),
  }
}

interface View {
  readonly state: string
  readonly pieces: { readonly done: number; readonly total: number }
  readonly bytes: { readonly done: number }
  readonly bytesPerSecond: number
  readonly seconds: number
  readonly peers: readonly { user: string; device: string; pieces: number; bytes: number; via: string }[]
}

const deliveryColumns: Column<View['peers'][number] & { name: string }>[] = [
  { head: 'DOWNLOADER', cell: ({ name }) => name },
  { head: 'FROM', cell: ({ user }) => user },
  { head: 'PIECES', align: 'right', cell: ({ pieces }) => pieces },
  { head: 'BYTES', align: 'right', cell: ({ bytes }) => formatBytes(bytes) },
  { head: 'VIA', cell: ({ via }) => via },
]

/** A tracker that came back has read the whole log within seconds; throws when the two still differ after ten. */
async function trackersAgree(who: Person): Promise<void> {
  const deadline = Date.now() + 10_000
  for (;;) {
    const trackers: { seq: number; digest: string }[] = JSON.parse(await who.shoal('trackers', '--json'))
    if (trackers.length === 2 && new Set(trackers.map(({ seq, digest }) => `${seq} ${digest}`)).size === 1) return
    if (Date.now() > deadline) throw new Error('the trackers do not agree')
  }
}

async function demo(): Promise<void> {
  say(styleText('bold', 'Shoal: one file, four people, three brokers, two trackers'))
  say(`Everything happens on this machine, in ${folder}.`)

  chapter('The cluster')
  const { servers } = await clusterUp({
    folder: cluster,
    host: '127.0.0.1',
    port: await freePort(),
    brokers: 3,
    trackers: 2,
  })
  good(`three brokers and two trackers are up at ${servers.join(', ')}`)

  chapter('The people')
  const people = ['alice', 'bob', 'carol', 'dave'].map(name => aPerson(name, servers.join(',')))
  const [alice, bob, carol, dave] = people as [DemoPerson, DemoPerson, DemoPerson, DemoPerson]
  await Promise.all(
    people.map(async ({ name, shoal }) => {
      await shoal('signup', name)
      await shoal('login', name)
    }),
  )
  good('alice, bob, carol and dave signed up and logged in, each on a device of their own')
  await alice.shoal('group', 'create', 'reef')
  await Promise.all([bob, carol, dave].map(({ shoal }) => shoal('group', 'join', 'reef')))
  const requests: { user: string }[] = JSON.parse(await alice.shoal('group', 'requests', 'reef', '--json'))
  for (const { user } of requests) await alice.shoal('group', 'accept', 'reef', user)
  good(`alice created the group reef; ${requests.map(({ user }) => user).join(', ')} asked to join, and she accepted`)

  chapter('The file')
  const original = join(alice.folder, 'reef.bin')
  writeRandomFile(original, sizeBytes)
  await copyFile(original, join(bob.folder, 'reef.bin'))
  await alice.shoal('share', original, 'reef')
  await bob.shoal('share', join(bob.folder, 'reef.bin'), 'reef')
  say(indented(await carol.shoal('files', 'reef')))

  chapter('Carol and dave download it at the same time; a tracker and a broker die meanwhile')
  const leader = (await clusterStatus(cluster)).find(node => node.kind === 'broker' && node.leader)?.node ?? 'n1'
  const display = progressDisplay(['carol', 'dave'])
  const last = new Map<string, View>()
  const kills: { node: string; atPercent: number; struckAt?: number }[] = [
    { node: 't1', atPercent: 10 },
    { node: leader, atPercent: 30 },
  ]
  const follow = (who: DemoPerson) =>
    who.follow(['download', 'reef', 'reef.bin', who.folder, '--wait', '--json'], line => {
      const view: View = JSON.parse(line)
      if (!view.pieces) return
      last.set(who.name, view)
      display.show(who.name, view)
      const percent = Math.floor((100 * view.pieces.done) / (view.pieces.total || 1))
      for (const kill of kills) {
        if (kill.struckAt !== undefined || percent < kill.atPercent || percent === 100) continue
        kill.struckAt = percent
        killNode(cluster, kill.node).then(() =>
          display.log(`  ${styleText('red', '✗')} ${kill.node} killed with ${who.name} at ${percent}%`),
        )
      }
    })
  await Promise.all([carol, dave].map(follow)).finally(() => display.stop())
  for (const { node, struckAt } of kills) if (struckAt === undefined) throw new Error(`${node} was not killed in time`)

  chapter('What arrived')
  const [expected, ...arrived] = await Promise.all(
    [original, ...[carol, dave].map(who => join(who.folder, 'reef.bin'))].map(sha256),
  )
  if (arrived.some(hash => hash !== expected)) throw new Error('a file differs from the original')
  good(`both files are identical to alice's: SHA-256 ${expected?.slice(0, 16)}…`)
  const deliveries = [...last].flatMap(([name, view]) => view.peers.map(delivery => ({ name, ...delivery })))
  say(indented(renderTable(deliveryColumns, deliveries, styleFor(process.stdout))))
  for (const who of [carol, dave]) say(`  ${who.name}$ show_downloads\n  ${await who.shoal('show_downloads')}`)

  chapter('The trackers')
  const whileDown = await alice.shoal('group', 'create', 'after-the-storm')
  good(`with t1 and ${leader} still dead, a command works: ${whileDown.trim()}`)
  for (const { node } of kills) await startNode(cluster, node)
  await trackersAgree(alice)
  say(indented(await alice.shoal('trackers')))
  good('t1 and the broker came back, and the trackers agree')
}

async function cleanUp(): Promise<void> {
  endCommands()
  await Promise.allSettled(['alice', 'bob', 'carol', 'dave'].map(name => aPerson(name, '').shoal('agent', 'stop')))
  await clusterDown(cluster)
  rmSync(folder, { recursive: true, force: true })
}

let cleaning: Promise<void> | undefined
const end = async (code: number) => {
  cleaning ??= cleanUp()
  await cleaning.catch(error => console.error(`while cleaning up ${folder}: ${error.message}`))
  process.exit(code)
}
const fail = (error: Error) => {
  console.error(`\n${basename(import.meta.filename)}: ${error.message}`)
  return end(1)
}
process.once('SIGINT', () => end(130))
process.once('SIGTERM', () => end(143))
process.once('uncaughtException', error => fail(error))

await demo().catch(fail)
say(`\n${styleText('green', 'Done')} in ${((performance.now() - startedAt) / 1000).toFixed(0)} s; cleaning up.`)
await end(0)
