// cluster up, down, status, stop, kill, start: the brokers and trackers that this home's `cluster` folder holds.

import type { BackedUp } from '../../cluster/backup.ts'
import type { NodeStatus } from '../../cluster/cluster.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { formatBytes } from '../../domain/quantities.ts'
import { done, refuse } from '../../domain/refusal.ts'
import { command, flag, value } from '../command.ts'
import { absolutePath } from '../paths.ts'
import type { Style } from '../render/style.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

type Cluster = typeof import('../../cluster/cluster.ts')

/** Loaded when something is to be done: the table of commands needs none of it. Throws ClusterFailure. */
const load = () => import('../../cluster/cluster.ts')

const up = command({
  words: 'cluster up',
  summary: 'Start brokers and trackers on this machine, in the background. Harmless when they run.',
  example: 'cluster up --host 192.0.2.10',
  options: {
    host: value('host', 'An address of this machine that others can reach (default: 127.0.0.1, this machine alone).'),
    port: value('port', "The first broker's port; the others' follow (default: 4222)."),
    tls: flag('Encrypt on the loopback, too; anywhere else everything is encrypted in any case.'),
    name: value('names', 'By what else people reach this machine: names and addresses, separated by commas.'),
    brokers: value('number', 'How many brokers: 3 outlive the loss of one (default: 3).'),
    visualizer: flag('Serve the page that shows it at work, too, in the background, and say where.'),
    trackers: value('number', 'How many trackers: any one can serve everybody (default: 2).'),
  },
  async run(context, input): Promise<Result<NodeStatus[]>> {
    const numbers: Partial<Record<'port' | 'brokers' | 'trackers', number>> = {}
    for (const name of ['port', 'brokers', 'trackers'] as const) {
      const typed = input[name]
      if (typed === undefined) continue
      if (!/^\d{1,5}$/.test(typed)) return refuse('usage', `--${name} takes a number; "${typed.slice(0, 40)}" is none`)
      numbers[name] = Number(typed)
    }
    const host = input.host === undefined ? {} : { host: input.host }
    const say = (line: string) => context.display.note(line)
    const folder = clusterFolder(context)
    const { clusterUp } = await load()
    const tls = input.tls ? { tls: true } : {}
    const names = input.name === undefined ? {} : { names: input.name.split(',').map(name => name.trim()) }
    const { nodes, servers, authority } = await clusterUp({ folder, ...host, ...numbers, ...tls, ...names, say })
    if (authority !== undefined) {
      // Who runs the cluster need not ask whether it is theirs.
      context.home.trust.follow(authority)
      const { fingerprintOfAuthority } = await import('../../actors/client/broker-trust.ts')
      const fingerprint = fingerprintOfAuthority(authority)
      say(`so that other homes need not take the brokers on trust: export SHOAL_SERVERS=${servers[0]}#${fingerprint}`)
    }
    if (input.visualizer) {
      const { startVisualizer } = await import('../../cluster/background-visualizer.ts')
      say(`see it at work: ${await startVisualizer(folder)}`)
    }
    return done(nodes)
  },
  render(nodes, style) {
    const brokers = nodes.flatMap(({ address }) => address ?? [])
    return `${renderNodes(nodes, style)}\nFrom other homes: export SHOAL_SERVERS=${brokers.join(',')}`
  },
})

const down = command({
  words: 'cluster down',
  summary: 'Stop all brokers and trackers of this home. What they know is kept.',
  example: 'cluster down',
  async run(context): Promise<Result<{ cluster: 'down' }>> {
    const say = (line: string) => context.display.note(line)
    const { clusterDown } = await load()
    await clusterDown(clusterFolder(context), say)
    return done({ cluster: 'down' })
  },
  render: () => 'The cluster is down. Start it again: shoal cluster up',
})

const status = command({
  words: 'cluster status',
  summary: 'The brokers and trackers of this home, and which broker leads the log.',
  example: 'cluster status',
  async run(context): Promise<Result<NodeStatus[]>> {
    const { clusterStatus } = await load()
    return done(await clusterStatus(clusterFolder(context)))
  },
  render: renderNodes,
})

function renderNodes(nodes: readonly NodeStatus[], style: Style): string {
  const colours = { running: 'green', unready: 'yellow', stopped: 'red' } as const
  return renderTable<NodeStatus>(
    [
      { head: 'NODE', cell: ({ node }) => node },
      { head: 'KIND', cell: ({ kind }) => kind },
      { head: 'STATE', cell: ({ state }) => style(colours[state], state) },
      { head: 'ADDRESS', cell: ({ address }) => address ?? '-' },
      { head: 'PID', align: 'right', cell: ({ pid }) => pid ?? '-' },
      { head: 'LEADER', cell: ({ leader }) => (leader ? 'yes' : '') },
    ],
    nodes,
    style,
  )
}

const onNode = (
  verb: 'stop' | 'kill' | 'start',
  summary: string,
  act: (cluster: Cluster) => (folder: string, node: string) => Promise<void>,
  said: (node: string) => string,
) =>
  command({
    words: `cluster ${verb}`,
    summary,
    example: `cluster ${verb} t1`,
    args: { node: 'n1, n2, … are brokers; t1, t2, … are trackers' },
    async run(context, { node }): Promise<Result<{ node: string }>> {
      await act(await load())(clusterFolder(context), node)
      return done({ node })
    },
    render: ({ node }) => said(node),
  })

const fingerprint = command({
  words: 'cluster fingerprint',
  summary: "The fingerprint by which other homes recognise this home's brokers.",
  example: 'cluster fingerprint',
  async run(context): Promise<Result<{ fingerprint: string }>> {
    const { loadSecrets } = await import('../../cluster/secrets.ts')
    const { authority } = loadSecrets(clusterFolder(context))
    if (!authority)
      return refuse('usage', 'this cluster is on the loopback alone, without TLS: there is nothing to trust')
    const { fingerprintOfAuthority } = await import('../../actors/client/broker-trust.ts')
    return done({ fingerprint: fingerprintOfAuthority(authority.certificate) })
  },
  render: ({ fingerprint }) => fingerprint,
})

const backup = command({
  words: 'cluster backup',
  summary: 'Save everything a running cluster knows, its secrets included, in one file for its owner alone.',
  example: 'cluster backup ~/shoal.backup',
  args: { file: 'a new file, or a folder that gets one named after the time' },
  async run(context, { file }): Promise<Result<BackedUp>> {
    const { backUpCluster } = await import('../../cluster/backup.ts')
    return done(await backUpCluster(clusterFolder(context), absolutePath(file)))
  },
  render: ({ file, seq, bytes }) =>
    `Saved the log up to ${seq} in ${file} (${formatBytes(bytes)}). Whoever has this file is the cluster: keep it secret.`,
})

const restore = command({
  words: 'cluster restore',
  summary: 'Bring a cluster back from a back-up, into a home that holds none.',
  example: 'cluster restore ~/shoal.backup',
  args: { file: 'what cluster backup made' },
  options: {
    host: value('host', 'Another address than it had.'),
    port: value('port', 'Another port than it had.'),
  },
  async run(context, { file, host, port }): Promise<Result<NodeStatus[]>> {
    if (port !== undefined && !/^\d{1,5}$/.test(port)) return refuse('usage', '--port takes a number')
    const wanted = { ...(host === undefined ? {} : { host }), ...(port === undefined ? {} : { port: Number(port) }) }
    const say = (line: string) => context.display.note(line)
    const { restoreCluster } = await import('../../cluster/backup.ts')
    const running = await restoreCluster(absolutePath(file), { folder: clusterFolder(context), ...wanted, say })
    if (running.authority !== undefined) context.home.trust.follow(running.authority)
    say('what was done after the back-up is lost: accounts and groups of then are to be made again, who was let in or')
    say('removed is to be let in or removed again; agents carry on by themselves, and offer again what they share')
    return done(running.nodes)
  },
  render: renderNodes,
})

const rotate = command({
  words: 'cluster rotate',
  summary: 'Replace every secret of a running cluster, one node after another. People, groups and log-ins stay.',
  example: 'cluster rotate',
  async run(context): Promise<Result<{ rotated: true; fingerprint: string | null }>> {
    const { rotateSecrets } = await import('../../cluster/rotate.ts')
    const authority = await rotateSecrets(clusterFolder(context), line => context.display.note(line))
    if (authority === undefined) return done({ rotated: true, fingerprint: null })
    context.home.trust.follow(authority)
    const { fingerprintOfAuthority } = await import('../../actors/client/broker-trust.ts')
    return done({ rotated: true, fingerprint: fingerprintOfAuthority(authority) })
  },
  render: ({ fingerprint }) =>
    `All secrets are new. Make a new back-up: earlier ones hold the old secrets. Trackers elsewhere need secrets.json again.${
      fingerprint === null
        ? ''
        : `\nDevices follow to ${fingerprint} by themselves. If the old secrets were stolen, have people run shoal trust with it.`
    }`,
})

export const clusterCommands = [
  rotate,
  backup,
  restore,
  up,
  fingerprint,
  status,
  down,
  onNode(
    'stop',
    'Stop one node in good order.',
    cluster => cluster.stopNode,
    node => `${node} has stopped.`,
  ),
  onNode(
    'kill',
    'Kill one node (SIGKILL), as a crash would.',
    cluster => cluster.killNode,
    node => `${node} is dead.`,
  ),
  onNode(
    'start',
    'Start one node again.',
    cluster => cluster.startNode,
    node => `${node} runs.`,
  ),
]
