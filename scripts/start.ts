// npm start: the cluster, up and left running with the page that shows it at work. At a terminal it stays, and shows a
// download to whoever opens the page (demonstration.ts), until Ctrl-C; the cluster goes on. From a script it returns
// when the cluster is up. Takes the options of `shoal cluster up`.

import { spawnSync } from 'node:child_process'
import { homedir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { fileURLToPath } from 'node:url'
import { styleText } from 'node:util'
import { startVisualizer } from '../src/cluster/background-visualizer.ts'
import { loadPlan, serversOf } from '../src/cluster/cluster-plan.ts'
import { connectOperator } from '../src/cluster/operator.ts'
import { loadSecrets } from '../src/cluster/secrets.ts'
import { count } from '../src/domain/quantities.ts'
import { watchAllSubject } from '../src/wire/subjects.ts'
import { type Demonstration, prepareDemonstration } from './demonstration.ts'

const shoal = fileURLToPath(new URL('../bin/shoal.js', import.meta.url))
const say = (text: string) => console.log(text)

const { status } = spawnSync(process.execPath, [shoal, 'cluster', 'up', ...process.argv.slice(2)], { stdio: 'inherit' })
if (status !== 0) process.exit(status ?? 1)

const folder = join(process.env.SHOAL_HOME || join(homedir(), '.shoal'), 'cluster')
const servers = serversOf(loadPlan(folder))
const address = await startVisualizer(folder)

say(`
It runs in the background until: npx shoal cluster down
Now, for example:
  npx shoal signup alice
  npx shoal login alice
  npx shoal group create reef
  npx shoal share README.md reef
A second person on this machine needs a second home: SHOAL_HOME=/tmp/bob npx shoal signup bob
Everything else: npx shoal help

See it at work: ${styleText('bold', address)}`)

if (process.stdin.isTTY && process.stdout.isTTY) await demonstrate()

async function demonstrate(): Promise<void> {
  say('Three people are called in, so that there is something to see …')
  const preparing = prepareDemonstration(folder, servers)
  let demonstration: Demonstration | undefined
  let isEnding = false
  const end = async () => {
    if (isEnding) return
    isEnding = true
    say('\nThe three go home …')
    demonstration ??= await preparing.catch(() => undefined)
    await demonstration?.end().catch(error => console.error(`they did not: ${error.message}`))
    say('The cluster and its page go on until: npx shoal cluster down')
    process.exit(0)
  }
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, end)

  try {
    demonstration = await preparing
  } catch (error) {
    if (!isEnding) console.error(`They cannot come: ${(error as Error).message}`)
    if (!isEnding) process.exit(1)
    return
  }
  let isUnderWay = false
  let rounds = 0
  const begin = async () => {
    if (isUnderWay || isEnding) return
    isUnderWay = true
    rounds += 1
    say(
      `${demonstration!.fetcher} downloads a file of 128 MB from two others, whose uploads are limited: look at the page.`,
    )
    try {
      const { seconds, peers } = await demonstration!.download()
      const from = peers.map(({ user, pieces }) => `${count(pieces, 'piece')} from ${user}`).join(', ')
      say(
        `All of it arrived in ${Math.round(seconds)} s: ${from}. ${styleText('bold', 'Enter')}: once more; Ctrl-C ends it.`,
      )
    } catch (error) {
      if (!isEnding) say(`It did not arrive: ${(error as Error).message}`)
    }
    isUnderWay = false
  }
  // Every open page says that it watches.
  const connection = await connectOperator(servers, loadSecrets(folder))
  connection.subscribe(watchAllSubject, { callback: () => void (rounds === 0 && begin()) })
  createInterface(process.stdin).on('line', () => void begin())
  say(`${styleText('bold', 'Open that address')}: a download begins as soon as you look. Ctrl-C ends it.`)
}
