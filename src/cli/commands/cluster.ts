// cluster up, down, status, stop, kill, start, fingerprint, rotate: the brokers and trackers in this home's `cluster` folder.

import type { NodeStatus } from '../../cluster/cluster.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import type { SignUp } from '../../domain/cluster-settings.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { command, flag, value } from '../command.ts'
import { renderNodes } from '../render/nodes.ts'
import type { Result } from '../result.ts'
import { backupCommands } from './cluster-backup.ts'

type Cluster = typeof import('../../cluster/cluster.ts')

/** Loaded when a command runs: the table of commands does not need it. */
const load = () => import('../../cluster/cluster.ts')

const up = command({
  name: 'cluster up',
  summary: 'Start brokers and trackers on this machine, in the background. Does nothing if they are running.',
  example: 'cluster up --host 192.0.2.10',
  options: {
    host: value('host', 'The address of this machine that others connect to (default: 127.0.0.1, this machine alone).'),
    port: value('port', "The first broker's port; the others take the next ones (default: 4222)."),
    tls: flag('Encrypt loopback connections too. All others are always encrypted.'),
    name: value('names', 'Further names or addresses by which people reach this machine, separated by commas.'),
    brokers: value('number', 'How many brokers; 3 survive the loss of one (default: 3).'),
    visualizer: flag('Also serve the visualizer in the background, and print its address.'),
    'sign-up': value(
      'open|closed',
      'Whether people may make accounts by themselves (default: as it was; at first open).',
    ),
    trackers: value('number', 'How many trackers; any one of them serves everyone (default: 2).'),
  },
  async run(context, input): Promise<Result<NodeStatus[]>> {
    const numbers: Partial<Record<'port' | 'brokers' | 'trackers', number>> = {}
    for (const [name, example] of [
      ['port', 4222],
      ['brokers', 3],
      ['trackers', 2],
    ] as const) {
      const typed = input[name]
      if (typed === undefined) continue
      if (!/^\d{1,5}$/.test(typed))
        return refuse('usage', `"${typed.slice(0, 40)}" is not a number. Example: --${name} ${example}`)
      numbers[name] = Number(typed)
    }
    const signUp = parseSignUp(input['sign-up'])
    if (!signUp.ok) return signUp
    const host = input.host === undefined ? {} : { host: input.host }
    const say = (line: string) => context.display.note(line)
    const folder = clusterFolder(context)
    const { clusterUp } = await load()
    const tls = input.tls ? { tls: true } : {}
    const names = input.name === undefined ? {} : { names: input.name.split(',').map(name => name.trim()) }
    context.leavesBehind =
      'interrupted; nodes that had started go on running: shoal cluster up starts the others, shoal cluster down stops all'
    const { nodes, servers, authority } = await clusterUp({ folder, ...host, ...numbers, ...tls, ...names, say })
    if (signUp.value !== undefined) {
      const { askAsOperator } = await import('../../cluster/operator-requests.ts')
      const set = await askAsOperator({ folder, servers }, 'sign-up.set', { signUp: signUp.value })
      if (!set.ok) return { ...set, message: `the cluster is up, but sign-up is as it was: ${set.message}` }
      if (signUp.value === 'closed') say('sign-up is closed; make accounts with shoal cluster user add USER')
    }
    let forOthers = servers.join(',')
    if (authority !== undefined) {
      context.home.trust.follow(authority)
      const { fingerprintOfAuthority } = await import('../../actors/client/broker-trust.ts')
      forOthers += `#${fingerprintOfAuthority(authority)}`
    }
    say(`from other homes: export SHOAL_SERVERS='${forOthers}'`)
    if (input.visualizer) {
      const { startVisualizer } = await import('../../cluster/background-visualizer.ts')
      say(`watch it at work: ${await startVisualizer(folder)}`)
    }
    return done(nodes)
  },
  render: renderNodes,
})

function parseSignUp(typed: string | undefined): Outcome<SignUp | undefined> {
  if (typed === undefined || typed === 'open' || typed === 'closed') return done(typed)
  return refuse('usage', `"${typed.slice(0, 40)}" is neither open nor closed. Example: --sign-up closed`)
}

const down = command({
  name: 'cluster down',
  summary: 'Stop all brokers and trackers of this home. Their data stays.',
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
  name: 'cluster status',
  summary: 'List the brokers and trackers of this home, and which broker leads the log.',
  example: 'cluster status',
  async run(context): Promise<Result<NodeStatus[]>> {
    const { clusterStatus } = await load()
    return done(await clusterStatus(clusterFolder(context)))
  },
  render: renderNodes,
})

const onNode = (
  verb: 'stop' | 'kill' | 'start',
  summary: string,
  act: (cluster: Cluster) => (folder: string, node: string) => Promise<void>,
  said: (node: string) => string,
) =>
  command({
    name: `cluster ${verb}`,
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
  name: 'cluster fingerprint',
  summary: "Print the fingerprint by which other homes recognise this home's brokers.",
  example: 'cluster fingerprint',
  async run(context): Promise<Result<{ fingerprint: string }>> {
    const { loadSecrets } = await import('../../cluster/secrets.ts')
    const { authority } = loadSecrets(clusterFolder(context))
    if (!authority)
      return refuse(
        'usage',
        'this cluster listens on the loopback only, without TLS, so it has no fingerprint; to encrypt it: shoal cluster up --tls',
      )
    const { fingerprintOfAuthority } = await import('../../actors/client/broker-trust.ts')
    return done({ fingerprint: fingerprintOfAuthority(authority.certificate) })
  },
  render: ({ fingerprint }) => fingerprint,
})

const rotate = command({
  name: 'cluster rotate',
  summary: 'Replace every secret of a running cluster, one node at a time. Accounts, groups and log-ins stay.',
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
    `All secrets are new. Make a new backup: earlier ones hold the old secrets. Copy secrets.json again to trackers on other machines.${
      fingerprint === null
        ? ''
        : `\nDevices come to trust ${fingerprint} by themselves. If the old secrets were stolen, ask people to run: shoal trust ${fingerprint}`
    }`,
})

export const clusterCommands = [
  rotate,
  ...backupCommands,
  up,
  fingerprint,
  status,
  down,
  onNode(
    'stop',
    'Stop one node gracefully.',
    cluster => cluster.stopNode,
    node => `${node} has stopped.`,
  ),
  onNode(
    'kill',
    'Kill one node (SIGKILL), as a crash would.',
    cluster => cluster.killNode,
    node => `${node} was killed.`,
  ),
  onNode(
    'start',
    'Start one node again.',
    cluster => cluster.startNode,
    node => `${node} is running.`,
  ),
]
