// cluster backup, restore: a whole cluster in one file, and back.

import type { BackedUp } from '../../cluster/backup.ts'
import type { NodeStatus } from '../../cluster/cluster.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { formatBytes } from '../../domain/quantities.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { command, value } from '../command.ts'
import { absolutePath } from '../paths.ts'
import { renderNodes } from '../render/nodes.ts'
import type { Result } from '../result.ts'

const backup = command({
  name: 'cluster backup',
  summary: 'Save everything a running cluster knows, secrets included, in one file that only you can read.',
  example: 'cluster backup ~/shoal.backup',
  args: { file: 'a new file, or a folder in which to create one named after the time' },
  async run(context, { file }): Promise<Result<BackedUp>> {
    const { backUpCluster } = await import('../../cluster/backup.ts')
    return done(await backUpCluster(clusterFolder(context), absolutePath(file)))
  },
  render: ({ file, seq, bytes }) =>
    `Saved the log up to ${seq} in ${file} (${formatBytes(bytes)}). Keep it secret: this file is enough to run your cluster.`,
})

const restore = command({
  name: 'cluster restore',
  summary: 'Restore a cluster from a backup, in a home that holds none.',
  example: 'cluster restore ~/shoal.backup',
  args: { file: 'a file that cluster backup made' },
  options: {
    host: value('host', 'A new address (default: the one it had).'),
    port: value('port', 'A new first port (default: the one it had).'),
  },
  async run(context, { file, host, port }): Promise<Result<NodeStatus[]>> {
    if (port !== undefined && !/^\d{1,5}$/.test(port))
      return refuse('usage', `"${port.slice(0, 40)}" is not a number. Example: --port 4222`)
    const wanted = { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port: Number(port) }) }
    const say = (line: string) => context.display.note(line)
    const { restoreCluster } = await import('../../cluster/backup.ts')
    const running = await restoreCluster(absolutePath(file), { folder: clusterFolder(context), ...wanted, say })
    if (running.authority !== undefined) context.home.trust.follow(running.authority)
    say(
      'changes made after the backup are lost: create later accounts and groups again, and accept or remove members again',
    )
    say('agents reconnect by themselves and share their files again')
    return done(running.nodes)
  },
  render: renderNodes,
})

export const backupCommands = [backup, restore]
