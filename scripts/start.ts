// npm start: a cluster, up and left running with the page that shows it at work. At a terminal it stays, and shows a
// download to anyone who opens the page (demonstration.ts), until Ctrl-C; the cluster goes on. From a script it returns
// when the cluster is up. Takes the options of `shoal cluster up`. Interrupted before the cluster is up, it stops it again.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { startVisualizer } from '../src/cluster/background-visualizer.ts'
import { clusterDown, clusterStatus } from '../src/cluster/cluster.ts'
import { findPlan, loadPlan, serversOf } from '../src/cluster/cluster-plan.ts'
import { connectOperator } from '../src/cluster/operator.ts'
import { loadSecrets } from '../src/cluster/secrets.ts'
import { count } from '../src/domain/quantities.ts'
import { watchAllSubject } from '../src/wire/subjects.ts'
import { type Demonstration, prepareDemonstration } from './demonstration.ts'
import { onEndSignal } from './on-end-signal.ts'

const program = fileURLToPath(new URL('../bin/shoal.js', import.meta.url))
const folder = join(process.env.SHOAL_HOME || join(homedir(), '.shoal'), 'cluster')
const say = (text: string) => console.log(text)

/** What to do when a signal says to end; what it is depends on how far the start has come. */
let onEnd = async (code: number): Promise<void> => process.exit(code)
onEndSignal(code => {
  void onEnd(code).catch(error => {
    console.error(error.message)
    process.exit(1)
  })
})

await startCluster()
const address = await startVisualizer(folder)
say(`
The cluster runs in the background until: npx shoal cluster down
Try, for example:
  npx shoal signup alice
  npx shoal login alice
  npx shoal group create reef
  npx shoal share README.md reef
A second person on this machine needs a second home: SHOAL_HOME=/tmp/bob npx shoal signup bob
All other commands: npx shoal help

Watch it at work: ${styleText('bold', address)}`)

if (process.stdin.isTTY && process.stdout.isTTY) await demonstrate(serversOf(loadPlan(folder)))

async function startCluster(): Promise<void> {
  const wasRunning = findPlan(folder) && (await clusterStatus(folder)).some(({ state }) => state !== 'stopped')
  // In its own process group, because this script handles Ctrl-C.
  const args = [program, 'cluster', 'up', ...process.argv.slice(2)]
  const child = spawn(process.execPath, args, { stdio: ['ignore', 'inherit', 'inherit'], detached: true })
  const ended = once(child, 'exit')
  let isInterrupted = false
  onEnd = async code => {
    isInterrupted = true
    say('\nStopping what was started …')
    await ended
    if (!wasRunning && findPlan(folder)) await clusterDown(folder)
    process.exit(code)
  }
  const [code] = await ended
  if (isInterrupted) await new Promise(() => {})
  if (code !== 0) process.exit(code ?? 1)
  onEnd = async signalled => process.exit(signalled)
}

async function demonstrate(servers: readonly string[]): Promise<void> {
  say('Three people are logging in, to give you a download to watch …')
  const preparing = new AbortController()
  const prepared = prepareDemonstration(folder, servers, { signal: preparing.signal })
  onEnd = async () => {
    say('\nThe three people are logging off …')
    preparing.abort()
    const demonstration = await prepared.catch(() => undefined)
    await demonstration?.end().catch(error => console.error(`they could not: ${error.message}`))
    say('The cluster and its page go on until: npx shoal cluster down')
    process.exit(0)
  }
  let demonstration: Demonstration
  try {
    demonstration = await prepared
  } catch (error) {
    if (preparing.signal.aborted) return
    console.error(`The demonstration could not start: ${(error as Error).message}`)
    process.exit(1)
  }
  await showDownloads(demonstration, servers, preparing.signal)
}

/** A download begins when a page is first opened, and again at each Enter. */
async function showDownloads(
  demonstration: Demonstration,
  servers: readonly string[],
  ending: AbortSignal,
): Promise<void> {
  let isRunning = false
  let hasRun = false
  const begin = async () => {
    if (isRunning || ending.aborted) return
    isRunning = true
    hasRun = true
    say(`${demonstration.fetcher} downloads 128 MB from two people whose uploads are limited: watch the page.`)
    try {
      const { seconds, peers } = await demonstration.download()
      const sources = peers.map(({ user, pieces }) => `${count(pieces, 'piece')} from ${user}`).join(', ')
      say(`Complete after ${Math.round(seconds)} s: ${sources}. ${styleText('bold', 'Enter')} repeats it, Ctrl-C ends.`)
    } catch (error) {
      if (!ending.aborted) say(`The download failed: ${(error as Error).message}`)
    }
    isRunning = false
  }
  // Every open page announces that it watches.
  const connection = await connectOperator(servers, loadSecrets(folder))
  connection.subscribe(watchAllSubject, { callback: () => void (!hasRun && begin()) })
  createInterface(process.stdin).on('line', () => void begin())
  say(`${styleText('bold', 'Open that address')}: a download begins as soon as you look. Ctrl-C ends it.`)
}
