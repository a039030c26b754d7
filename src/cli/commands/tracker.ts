// tracker run, and trackers: what each tracker knows, asked as the person logged in, or with the cluster's own key in a
// home that holds one.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { formatDuration } from '../../domain/quantities.ts'
import { done, refuse } from '../../domain/refusal.ts'
import type { TrackerStatus } from '../../wire/tracker-status.ts'
import { command, value } from '../command.ts'
import type { Context } from '../context.ts'
import { endSignal } from '../interruption.ts'
import { absolutePath } from '../paths.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

const run = command({
  name: 'tracker run',
  summary: 'Run one tracker in the foreground, logging to standard error, until interrupted.',
  example: 'tracker run --name t3 --cluster ~/.shoal/cluster',
  ownsInterrupts: true,
  options: {
    name: value('name', "The tracker's name; its data is in a folder of that name."),
    cluster: value('dir', "The cluster's folder, which holds its secrets.json (default: this home's)."),
  },
  async run(context, input): Promise<Result<undefined>> {
    const { name } = input
    if (name === undefined || !/^[A-Za-z0-9_-]{1,32}$/.test(name))
      return refuse('usage', 'name the tracker, in letters, digits, "-" or "_": shoal tracker run --name t3')
    const folder = input.cluster === undefined ? clusterFolder(context) : absolutePath(input.cluster)
    const { trackerOptions } = await import('../../cluster/cluster.ts')
    const options = trackerOptions(folder, name, context.servers)
    const { runTracker } = await import('../../actors/tracker/run-tracker.ts')
    const { createProcessLog } = await import('../../actors/device/process-log.ts')
    const ended = endSignal()
    const tracker = runTracker({ ...options, log: createProcessLog(name) })
    await ended
    await tracker.stop()
    return done(undefined)
  },
  render: () => '',
})

const list = command({
  name: 'trackers',
  summary: 'List the trackers that answer: how far each has read the log, and a digest of its state.',
  example: 'trackers',
  async run(context): Promise<Result<TrackerStatus[]>> {
    const statuses = await askTrackers(context)
    if (statuses.ok && statuses.value.length === 0)
      return refuse('unreachable', `no tracker answers; ${context.advice.noTracker}`)
    return statuses
  },
  render: (trackers, style) =>
    renderTable<TrackerStatus>(
      [
        { head: 'TRACKER', cell: ({ name }) => name },
        { head: 'SEQUENCE', align: 'right', cell: ({ seq }) => seq },
        { head: 'DIGEST', cell: ({ digest }) => digest },
        { head: 'UP', cell: ({ uptimeSeconds }) => formatDuration(Math.floor(uptimeSeconds)) },
      ],
      trackers,
      style,
    ),
})

async function askTrackers(context: Context): Promise<Result<TrackerStatus[]>> {
  const isOperator = existsSync(join(clusterFolder(context), 'secrets.json'))
  if (context.home.session() || !isOperator) {
    const connected = await context.display.whileWaiting('the brokers', context.connect())
    return connected.ok ? done(await connected.value.trackers.statuses()) : connected
  }
  const { connectOperator, trackersThatAnswer } = await import('../../cluster/operator.ts')
  const { loadSecrets } = await import('../../cluster/secrets.ts')
  const secrets = loadSecrets(clusterFolder(context))
  try {
    const connection = await connectOperator(context.servers, secrets)
    const statuses = await trackersThatAnswer(connection)
    await connection.close()
    return done(statuses)
  } catch {
    return refuse('unreachable', `no broker answers at ${context.servers.join(', ')}; ${context.advice.noBroker}`)
  }
}

export const trackerCommands = [run, list]
