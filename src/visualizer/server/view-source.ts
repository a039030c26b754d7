// Where the visualizer gets its view from: a person's device, or the operator's key of the cluster that this home holds.
// It makes the page's logins and asks about the cluster, as that person or the operator.

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

/** The device that the page is served for: its home, the brokers to try, and how to connect. */
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

export type ClusterNodes = Awaited<ReturnType<typeof clusterStats>>

export interface ViewSource {
  readonly connection: NatsConnection
  /** The authority it trusts at the brokers, as it is now: a rotation may replace it. */
  readonly trust: Trust
  readonly you: VisualizerConfig['you']
  readonly watchSubject: string
  /** What the page subscribes to. */
  readonly subjects: readonly string[]
  /** For NATS's CONNECT. Refused while no tracker answers. */
  login(): Promise<Outcome<PageLogin>>
  statuses(): Promise<readonly TrackerStatus[]>
  /** What each tracker that answers reports of itself and of the devices and groups that the viewer may see. */
  stats(): Promise<readonly TrackerStats[]>
  /** Undefined when this home does not hold the cluster. */
  nodes: (() => Promise<ClusterNodes>) | undefined
  close(): Promise<void>
}

export const holdsCluster = (viewer: Pick<Viewer, 'home'>): boolean =>
  existsSync(join(clusterFolder(viewer), 'secrets.json'))

const nodesOf = (viewer: Pick<Viewer, 'home'>): ViewSource['nodes'] =>
  holdsCluster(viewer) ? () => clusterStats(clusterFolder(viewer)) : undefined

const expiry = () => Date.now() + visualizerTunables.watchLoginMs

/** The operator's view if requested, or if this home holds the cluster and is logged out; else the user's. */
export const openDefaultView = (viewer: Viewer, asOperator: boolean): Promise<Outcome<ViewSource>> =>
  openView(viewer, asOperator || (!viewer.home.session() && holdsCluster(viewer)))

export const openView = (viewer: Viewer, asOperator: boolean): Promise<Outcome<ViewSource>> =>
  asOperator ? operatorView(viewer) : personView(viewer)

async function personView(viewer: Viewer): Promise<Outcome<ViewSource>> {
  const connected = await viewer.connect()
  if (!connected.ok) return connected
  const { connection, trackers, session } = connected.value
  const { user, device } = session
  return done({
    connection,
    trust: viewer.home.trust,
    you: { user, device },
    watchSubject: watchSubject({ user, device }),
    subjects: watchedBy(user),
    async login() {
      // Asked for each time: a rotation may have replaced the key.
      const opened = await trackers.ask('agent.session', {})
      if (!opened.ok) return opened
      const login = watchLogin({ user, device }, Buffer.from(opened.value.ticketKey, 'base64url'), expiry())
      return done({ ...toConnect(login), expiresAt: login.expiresAt })
    },
    statuses: () => trackers.statuses(),
    stats: () => trackers.stats(),
    nodes: nodesOf(viewer),
    close: () => viewer.disconnect(),
  })
}

async function operatorView(viewer: Viewer): Promise<Outcome<ViewSource>> {
  if (!holdsCluster(viewer))
    return refuse(
      'not-logged-in',
      'this home holds no cluster, so it cannot watch as the operator; log in with shoal login USER',
    )
  const secrets = loadSecrets(clusterFolder(viewer))
  const connection = await connectOperator(viewer.servers, secrets).catch(() => undefined)
  if (!connection)
    return refuse('unreachable', 'no broker of the cluster in this home answers; start it with shoal cluster up')
  const trackers = operatorsTrackers(connection)
  return done({
    connection,
    trust: trustOf(() => loadSecrets(clusterFolder(viewer)).authority?.certificate),
    you: null,
    watchSubject: watchAllSubject,
    subjects: [anyInspect],
    async login() {
      const ticketSecret = Buffer.from(loadSecrets(clusterFolder(viewer)).ticketSecret, 'base64url')
      const login = operatorLogin(ticketSecret, expiry())
      return done({ ...toConnect(login), expiresAt: login.expiresAt })
    },
    statuses: () => trackers.statuses(),
    stats: () => trackers.stats(),
    nodes: nodesOf(viewer),
    close: () => connection.close(),
  })
}
