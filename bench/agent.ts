// What an agent of many shares costs: its start, its memory, its idle time, one more share, one look-up, a list of as many
// downloads. It runs with real files and a real library in a process of its own; the trackers are played, and answer at
// once. Options: --shares N (10,000), --json (one object a row), --seconds S of idling (20).

import { spawnSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { parseArgs } from 'node:util'
import pino from 'pino'
import { createActor } from 'xstate'
import { createAgentApi } from '../src/actors/agent/agent-api.ts'
import { createAgentHandlers } from '../src/actors/agent/agent-handlers.ts'
import { createDeviceLimits } from '../src/actors/agent/device-limits.ts'
import { createOfferTable, type OfferTable } from '../src/actors/agent/offer-table.ts'
import { RestingDownloads } from '../src/actors/agent/resting-downloads.ts'
import { ShareRegistry } from '../src/actors/agent/share-registry.ts'
import { createShareRegistryActor } from '../src/actors/agent/share-registry-actor.ts'
import { createAgentClient } from '../src/actors/client/agent-client.ts'
import type { TrackerClient } from '../src/actors/client/tracker-client.ts'
import { placeSocket } from '../src/actors/device/agent-socket.ts'
import { openHome } from '../src/actors/device/home.ts'
import { type Manifest, pieceLengthFor, shareId } from '../src/domain/manifest.ts'
import { done, refuse } from '../src/domain/refusal.ts'
import { fingerprintOf } from '../src/storage/fingerprint.ts'
import { type Library, openLibrary } from '../src/storage/library.ts'
import type { ShareEntry } from '../src/storage/library-shares.ts'

const { values } = parseArgs({
  options: {
    shares: { type: 'string', default: '10000' },
    seconds: { type: 'string', default: '20' },
    json: { type: 'boolean', default: false },
    /** Measure the agent whose files are there. */
    folder: { type: 'string' },
  },
})
const shares = Number(values.shares)
const [user, group] = ['alice', 'reef']
const filesInFolder = 500
const log = pino({ level: 'silent' })

function report(name: string, value: number, unit: string): void {
  const row = { name: `agent, ${shares} shares: ${name}`, value: Number(value.toPrecision(3)), unit }
  console.log(values.json ? JSON.stringify(row) : `${row.name.padEnd(70)} ${row.value} ${unit}`)
}

const cpuMs = (since?: NodeJS.CpuUsage) => {
  const { user: own, system } = process.cpuUsage(since)
  return (own + system) / 1000
}

/** A file, its record and a completed download of it. */
function prepareOne(library: Library, folder: string, n: number): void {
  const name = `${String(n).padStart(7, '0')}.bin`
  const path = join(folder, 'files', String(Math.floor(n / filesInFolder)), name)
  mkdirSync(dirname(path), { recursive: true })
  writeFileSync(path, name)
  const size = name.length
  const hashes = { sha1: n.toString(16).padStart(40, '0'), sha256: n.toString(16).padStart(64, '0') }
  const pieces = Buffer.alloc(20, n).toString('base64')
  const manifest: Manifest = { name, size, ...hashes, pieceLength: pieceLengthFor(size), pieces }
  const share = shareId(group, manifest)
  const fingerprint = fingerprintOf(statSync(path, { bigint: true }))
  library.saveShare(user, { group, name, share, manifest, path, fingerprint, state: 'sharing' })
  const download = { user, group, name, share, manifest, destination: path, part: `${path}.part`, overwrite: false }
  const { id } = library.createDownload({ ...download, createdAt: n })
  library.changeDownload(id, { state: 'completed', finishedAt: n })
}

function prepare(folder: string): void {
  const library = openLibrary(join(folder, 'library.db'))
  for (let n = 0; n < shares; n += 1) prepareOne(library, folder, n)
  library.close()
}

/** Trackers whose log holds these shares. */
function playTrackers(library: Library): TrackerClient {
  const ask = async (method: string, { after }: { after?: ShareEntry }) => {
    if (method === 'swarm.locate') return refuse('no-such-file', 'no such file')
    if (method !== 'agent.shares') return done({ ticketKey: '' })
    const rows = library.shareEntries(user, after, 1_000)
    return done(rows.length < 1_000 ? { rows } : { rows, next: rows.at(-1) })
  }
  return { epoch: 1, ask } as unknown as TrackerClient
}

async function measureShares(folder: string, library: Library): Promise<void> {
  const last = library.shareEntry(user, { group, name: `${String(shares - 1).padStart(7, '0')}.bin` })!.share
  const [began, usage] = [performance.now(), process.cpuUsage()]
  const offers: OfferTable = createOfferTable(() => {}, { findFile: share => registry.findOffer(share) })
  const needs = { user, login: 'a login', library, trackers: playTrackers(library), offers, log }
  const registry: ShareRegistry = new ShareRegistry(needs)
  const actor = createActor(createShareRegistryActor(registry, offers, log)).start()
  while (!offers.find(last)) await delay(1)
  report('start until all are on offer', performance.now() - began, 'ms')
  while (!registry.isReconciled) await delay(10)
  report('start until compared with the trackers', performance.now() - began, 'ms')
  // The first check of all files is over once a pause takes next to no CPU.
  for (let busy = 1_000; busy > 100; ) {
    const before = process.cpuUsage()
    await delay(1_000)
    busy = cpuMs(before)
  }
  report('CPU of the start, with a check of all files', cpuMs(usage), 'ms')
  const [idle, idleBegan] = [process.cpuUsage(), performance.now()]
  await delay(Number(values.seconds) * 1000)
  report('idle', (cpuMs(idle) / (performance.now() - idleBegan)) * 100, '% of a core')
  report('memory', process.memoryUsage.rss() / 2 ** 20, 'MiB')
  // The first one starts the hashing threads.
  for (const name of ['first', 'more']) {
    const path = join(folder, name)
    writeFileSync(path, name)
    const before = performance.now()
    await registry.share({ path, group }, {})
    if (name === 'more') report('one more share', performance.now() - before, 'ms')
  }
  actor.stop()
  await registry.close()
}

async function measureDownloads(folder: string, library: Library): Promise<void> {
  const home = openHome(join(folder, 'home'))
  const resting = new RestingDownloads(library, log)
  const began = performance.now()
  const downloads = resting.of(user)
  report('start until the downloads are known', performance.now() - began, 'ms')
  const session = { login: { user }, downloads, services: undefined, problem: undefined, logOut: async () => false }
  const limits = createDeviceLimits(library)
  const handlers = createAgentHandlers({ device: home.device(), limits, session: session as never })
  const api = createActor(createAgentApi({ placeSocket: () => placeSocket(home), handlers, log })).start()
  const client = createAgentClient(home)
  // Once it listens.
  await client.ask('limits', {})
  const before = performance.now()
  const listed = await client.ask('downloads', {})
  if (!listed.ok || listed.value.length !== shares) throw new Error('bug: a list of downloads that is not whole')
  report('a list of as many downloads', performance.now() - before, 'ms')
  api.stop()
  await resting.close()
}

if (values.folder === undefined) {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  prepare(folder)
  const again = [import.meta.filename, ...process.argv.slice(2), '--folder', folder]
  process.exitCode = spawnSync(process.execPath, again, { stdio: 'inherit' }).status ?? 1
} else {
  const began = performance.now()
  const library = openLibrary(join(values.folder, 'library.db'))
  report('library opened', performance.now() - began, 'ms')
  await measureShares(values.folder, library)
  await measureDownloads(values.folder, library)
  library.close()
  // Hashing threads are kept for the next file.
  process.exit()
}
