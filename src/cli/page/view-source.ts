// Where a visualizer's view comes from: a person's device, or the operator's key of the cluster that this home holds.
// It makes the page's log-ins, says that somebody watches, and looks at the cluster as whom it stands for.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from 'nats'
import { visualizer } from '../../../config/tunables.ts'
import type { NodeStatus } from '../../cluster/cluster.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { toConnect } from '../../wire/broker-login.ts'
import { anyInspect, inspectSubject, trackerInspected, watchAllSubject, watchSubject } from '../../wire/subjects.ts'
import type { TrackerStatus } from '../../wire/tracker-api.ts'
import type { ClusterView, VisualizerConfig } from '../../wire/visualizer-api.ts'
import { operatorLogin, watchLogin } from '../../wire/watch-login.ts'
import { clusterFolder } from '../cluster.ts'
import type { Context } from '../context.ts'

export interface ViewSource {
  readonly connection: NatsConnection
  readonly you: VisualizerConfig['you']
  readonly watchSubject: string
  /** What the page subscribes to. */
  readonly subjects: readonly string[]
  /** For NATS's CONNECT, good from now on. */
  login(): { readonly user: string; readonly pass: string; readonly expiresAt: number }
  statuses(): Promise<readonly TrackerStatus[]>
  groups(): Promise<ClusterView['groups']>
  /** Undefined when this home does not hold the cluster. */
  nodes: (() => Promise<NodeStatus[]>) | undefined
  close(): Promise<void>
}

export const holdsCluster = (context: Pick<Context, 'home'>): boolean =>
  existsSync(join(clusterFolder(context), 'secrets.json'))

const nodesOf = (context: Context): ViewSource['nodes'] =>
  holdsCluster(context)
    ? async () => (await import('../../cluster/cluster.ts')).clusterStatus(clusterFolder(context))
    : undefined

const expiry = () => Date.now() + visualizer.watchLoginMs

export const openView = (context: Context, asOperator: boolean): Promise<Outcome<ViewSource>> =>
  asOperator ? operatorView(context) : personView(context)

async function personView(context: Context): Promise<Outcome<ViewSource>> {
  const link = await context.connect()
  if (!link.ok) return link
  const { connection, trackers, session } = link.value
  const opened = await trackers.ask('agent.session', {})
  if (!opened.ok) return opened
  const ticketKey = Buffer.from(opened.value.ticketKey, 'base64url')
  const { user, device } = session
  return done({
    connection,
    you: { user, device },
    watchSubject: watchSubject(user),
    subjects: [inspectSubject({ user, device: '*' }, '>'), inspectSubject(trackerInspected('*'), '>')],
    login() {
      const login = watchLogin({ user, device }, ticketKey, expiry())
      return { ...toConnect(login), expiresAt: login.expiresAt }
    },
    statuses: () => trackers.statuses(),
    async groups() {
      const groups = await trackers.ask('group.list', {})
      if (!groups.ok) return null
      return Promise.all(
        groups.value.map(async group => {
          const files =
            group.you === 'none' || group.you === 'requested'
              ? undefined
              : await trackers.ask('group.files', { group: group.group })
          return { ...group, files: files?.ok ? files.value.length : null }
        }),
      )
    },
    nodes: nodesOf(context),
    close: () => context.disconnect(),
  })
}

async function operatorView(context: Context): Promise<Outcome<ViewSource>> {
  if (!holdsCluster(context))
    return refuse('not-logged-in', 'this home holds no cluster, so it has no operator; run shoal login USER')
  const { connectOperator, trackersThatAnswer } = await import('../../cluster/operator.ts')
  const { loadSecrets } = await import('../../cluster/secrets.ts')
  const secrets = loadSecrets(clusterFolder(context))
  const connection = await connectOperator(context.servers, secrets).catch(() => undefined)
  if (!connection) return refuse('unreachable', 'no broker answers; start the cluster with shoal cluster up')
  const ticketSecret = Buffer.from(secrets.ticketSecret, 'base64url')
  return done({
    connection,
    you: null,
    watchSubject: watchAllSubject,
    subjects: [anyInspect],
    login() {
      const login = operatorLogin(ticketSecret, expiry())
      return { ...toConnect(login), expiresAt: login.expiresAt }
    },
    statuses: () => trackersThatAnswer(connection),
    groups: async () => null,
    nodes: nodesOf(context),
    close: () => connection.close(),
  })
}
