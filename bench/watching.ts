// What watching costs the watched processes: a download with a real watcher and the same one unwatched, alternating, on one
// machine. The watcher hears everything of both devices through a watch login, and reads every message as the page does.
//   npm run bench -- watching [--mib 512] [--pairs 5]

import { execFile } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { mkdirSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs, promisify } from 'node:util'
import { connect } from 'nats'
import { inspectionTunables } from '../config/inspection.ts'
import { openHome } from '../src/actors/device/home.ts'
import type { Context } from '../src/cli/context.ts'
import { DeviceConnector } from '../src/cli/device-connection.ts'
import { establishTrust } from '../src/cli/establish-trust.ts'
import { freePort } from '../src/cluster/free-port.ts'
import { openView, type ViewSource } from '../src/visualizer/server/view-source.ts'
import { readInspection } from '../src/wire/inspection.ts'
import { writeRandomFile } from './support/random-file.ts'
import { median } from './support/statistics.ts'
import { usageOf } from './swarm/usage.ts'

const { values } = parseArgs({
  options: { mib: { type: 'string', default: '512' }, pairs: { type: 'string', default: '5' } },
})
const program = join(import.meta.dirname, '../bin/shoal.js')
const folder = mkdtempSync(join(tmpdir(), 'shoal-watching-'))
const port = await freePort()
const servers = [`nats://127.0.0.1:${port}`]
const homeOf = (user: string) => join(folder, user)
const run = promisify(execFile)
const shoal = async (user: string, ...words: string[]): Promise<string> => {
  const env = {
    ...process.env,
    SHOAL_HOME: homeOf(user),
    SHOAL_SERVERS: servers.join(),
    SHOAL_PASSWORD: `swordfish reef ${user}`,
  }
  return (await run(process.execPath, [program, '--json', ...words], { env, maxBuffer: 2 ** 26 })).stdout
}

/** Returns a function that ends it and tells what was heard. */
async function watch(users: readonly string[]) {
  let messages = 0
  let bytes = 0
  const ends = await Promise.all(
    users.map(async user => {
      const home = openHome(homeOf(user))
      const trust = establishTrust(home, servers, undefined, '', () => {})
      const connector = new DeviceConnector(home, {
        servers,
        trust,
        advice: { noBroker: 'this benchmark runs them', noTracker: 'and those' },
      })
      const opened = await openView(
        { connect: () => connector.connect(), home, servers, trust } as unknown as Context,
        false,
      )
      if (!opened.ok) throw new Error(opened.message)
      const view: ViewSource = opened.value
      const login = await view.login()
      if (!login.ok) throw new Error(login.message)
      const { user: name, pass } = login.value
      const page = await connect({ servers, user: name, pass })
      for (const subject of view.subjects)
        page.subscribe(subject, {
          callback: (_, { data }) => {
            if (!readInspection(data)) throw new Error('an unreadable message')
            messages += 1
            bytes += data.length
          },
        })
      await page.flush()
      const watchers = [randomBytes(16).toString('hex')]
      const announce = () => view.connection.publish(view.watchSubject, JSON.stringify({ watchers }))
      announce()
      const announcing = setInterval(announce, inspectionTunables.watchEveryMs)
      return async () => {
        clearInterval(announcing)
        await page.close()
        await view.close()
      }
    }),
  )
  return async () => {
    await Promise.all(ends.map(end => end()))
    return { messages, bytes }
  }
}

try {
  mkdirSync(homeOf('alice'), { recursive: true })
  await shoal('alice', 'cluster', 'up', '--port', String(port), '--brokers', '1', '--trackers', '1')
  for (const user of ['alice', 'bob']) {
    await shoal(user, 'signup', user)
    await shoal(user, 'login', user)
  }
  await shoal('alice', 'group', 'create', 'reef')
  await shoal('bob', 'group', 'join', 'reef')
  await shoal('alice', 'group', 'accept', 'reef', 'bob')
  const file = join(folder, 'payload.bin')
  writeRandomFile(file, Number(values.mib) * 2 ** 20)
  await shoal('alice', 'share', file, 'reef')

  const pidOf = async (user: string) => (JSON.parse(await shoal(user, 'agent', 'status')) as { pid: number }).pid
  const pids = { alice: await pidOf('alice'), bob: await pidOf('bob'), watcher: process.pid }
  type Who = keyof typeof pids
  /** Seconds of CPU so far. */
  const used = () =>
    Object.fromEntries(Object.entries(pids).map(([who, pid]) => [who, usageOf(pid)?.cpuSeconds ?? 0])) as Record<
      Who,
      number
    >
  const moreUsed: Record<Who, number[]> = { alice: [], bob: [], watcher: [] }

  let downloads = 0
  const secondsOf = async () => {
    downloads += 1
    const to = join(folder, `d${downloads}`)
    mkdirSync(to)
    const lines = await shoal('bob', 'download', 'reef', 'payload.bin', to, '--wait')
    rmSync(to, { recursive: true })
    return (JSON.parse(lines.trim().split('\n').at(-1)!) as { seconds: number }).seconds
  }
  /** The agents first forget the watcher of the run before. */
  const quietMs = inspectionTunables.watchEveryMs * (inspectionTunables.missedWatches + 1)
  await secondsOf()
  const ratios: number[] = []
  for (let pair = 0; pair < Number(values.pairs); pair += 1) {
    // The order alternates, so that drift favours neither.
    const seconds = { watched: 0, unwatched: 0 }
    const cpu = { watched: used(), unwatched: used() }
    let heard = { messages: 0, bytes: 0 }
    for (const how of pair % 2 === 0 ? (['unwatched', 'watched'] as const) : (['watched', 'unwatched'] as const)) {
      const before = used()
      if (how === 'watched') {
        const end = await watch(['alice', 'bob'])
        seconds.watched = await secondsOf()
        heard = await end()
      } else seconds.unwatched = await secondsOf()
      const after = used()
      for (const who of Object.keys(pids) as Who[]) cpu[how][who] = after[who] - before[who]
      if (how === 'watched') await delay(quietMs)
    }
    for (const who of Object.keys(pids) as Who[]) moreUsed[who].push(cpu.watched[who] - cpu.unwatched[who])
    ratios.push(seconds.unwatched / seconds.watched)
    const rate = (of: number) => `${(Number(values.mib) / of).toFixed(1)} MiB/s`
    console.log(
      `unwatched ${rate(seconds.unwatched)}, watched ${rate(seconds.watched)}: ratio ${ratios.at(-1)!.toFixed(3)}; heard ${heard.messages} messages, ${(heard.bytes / 1024).toFixed(0)} KiB`,
    )
  }
  console.log(`median ratio ${median(ratios).toFixed(3)}`)
  const more = (who: Who) => `${who} ${(median(moreUsed[who]) * 1000).toFixed(0)} ms`
  console.log(`more CPU a watched download, medians: ${(Object.keys(pids) as Who[]).map(more).join(', ')}`)
} finally {
  for (const user of ['bob', 'alice']) await shoal(user, 'agent', 'stop')
  await shoal('alice', 'cluster', 'down')
  rmSync(folder, { recursive: true, force: true })
}
