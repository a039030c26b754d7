// Where a visualizer's view comes from: a person's device, or the operator's key of the cluster that this home holds.
// It makes the page's log-ins, says that somebody watches, and stats at the cluster as whom it stands for.

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from 'nats'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { type Trust, trustOf } from '../../actors/client/broker-trust.ts'
import type { TrackerClient } from '../../actors/client/tracker-client.ts'
import type { Home, Session } from '../../actors/device/home.ts'
import { clusterStats } from '../../cluster/cluster.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { connectOperator, operatorsTrackers } from '../../cluster/operator.ts'
import { loadSecrets } from '../../cluster/secrets.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { toConnect } from '../../wire/broker-login.ts'
import { anyInspect, watchAllSubject, watchedBy, watchSubject } from '../../wire/subjects.ts'
import type { TrackerStats, TrackerStatus } from '../../wire/tracker-status.ts'
import type { VisualizerConfig } from '../../wire/visualizer-api.ts'
import { operatorLogin, watchLogin } from '../../wire/watch-login.ts'

/** On whose behalf the page is served: a device's home, the brokers to try, and the way to its connection. */
export interface Viewer {
  readonly home: Pick<Home, 'folder' | 'session' | 'trust'>
  readonly servers: readonly string[]
  connect(): Promise<
    Outcome<{
      readonly connection: NatsConnection
      readonly session: Session
      readonly trackers: Pick<TrackerClient, 'ask' | 'statuses' | 'stats'>
    }>
  >
  disconnect(): Promise<void>
}

interface PageLogin {
  readonly user: string
  readonly pass: string
  /** ms since 1970 */
  readonly expiresAt: number
}

export type SeenCluster = Awaited<ReturnType<typeof clusterStats>>

export interface ViewSource {
  readonly connection: NatsConnection
  /** Whom it trusts at the brokers, as it is now: a rotation may replace it. */
  readonly trust: Trust
  readonly you: VisualizerConfig['you']
  readonly watchSubject: string
  /** What the page subscribes to. */
  readonly subjects: readonly string[]
  /** For NATS's CONNECT, good from now on; refused while no tracker answers. */
  login(): Promise<Outcome<PageLogin>>
  statuses(): Promise<readonly TrackerStatus[]>
  /** What each tracker that answers says of itself, and of whom the viewer may see. */
  stats(): Promise<readonly TrackerStats[]>
  /** Undefined when this home does not hold the cluster. */
  nodes: (() => Promise<SeenCluster>) | undefined
  close(): Promise<void>
}

export const holdsCluster = (context: Pick<Viewer, 'home'>): boolean =>
  existsSync(join(clusterFolder(context), 'secrets.json'))

const nodesOf = (context: Pick<Viewer, 'home'>): ViewSource['nodes'] =>
  holdsCluster(context) ? () => clusterStats(clusterFolder(context)) : undefined

const expiry = () => Date.now() + visualizerTunables.watchLoginMs

export const openView = (context: Viewer, asOperator: boolean): Promise<Outcome<ViewSource>> =>
  asOperator ? operatorView(context) : personView(context)

async function personView(context: Viewer): Promise<Outcome<ViewSource>> {
  const link = await context.connect()
  if (!link.ok) return link
  const { connection, trackers, session } = link.value
  const { user, device } = session
  return done({
    connection,
    trust: context.home.trust,
    you: { user, device },
    watchSubject: watchSubject(user),
    subjects: watchedBy(user),
    async login() {
      // Asked for anew: a rotation may have replaced the key.
      const opened = await trackers.ask('agent.session', {})
      if (!opened.ok) return opened
      const login = watchLogin({ user, device }, Buffer.from(opened.value.ticketKey, 'base64url'), expiry())
      return done({ ...toConnect(login), expiresAt: login.expiresAt })
    },
    statuses: () => trackers.statuses(),
    stats: () => trackers.stats(),
    nodes: nodesOf(context),
    close: () => context.disconnect(),
  })
}

async function operatorView(context: Viewer): Promise<Outcome<ViewSource>> {
  if (!holdsCluster(context))
    return refuse('not-logged-in', 'this home holds no cluster, so it has no operator; run shoal login USER')
  const secrets = loadSecrets(clusterFolder(context))
  const connection = await connectOperator(context.servers, secrets).catch(() => undefined)
  if (!connection) return refuse('unreachable', 'no broker answers; start the cluster with shoal cluster up')
  const trackers = operatorsTrackers(connection)
  return done({
    connection,
    trust: trustOf(() => loadSecrets(clusterFolder(context)).authority?.certificate),
    you: null,
    watchSubject: watchAllSubject,
    subjects: [anyInspect],
    async login() {
      const ticketSecret = Buffer.from(loadSecrets(clusterFolder(context)).ticketSecret, 'base64url')
      const login = operatorLogin(ticketSecret, expiry())
      return done({ ...toConnect(login), expiresAt: login.expiresAt })
    },
    statuses: () => trackers.statuses(),
    stats: () => trackers.stats(),
    nodes: nodesOf(context),
    close: () => connection.close(),
  })
}
