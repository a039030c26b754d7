// `shoal visualizer`: serves the page, live or from a recording.

import { existsSync } from 'node:fs'
import type { ServerResponse } from 'node:http'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { layOut } from '../../charts/lay-out.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { brokersOf, findPlan, usesTls, visualizerPort } from '../../cluster/cluster-plan.ts'
import { pageFolder } from '../../cluster/package-root.ts'
import { version } from '../../cluster/version.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { allMachines } from '../../machines/all-machines.ts'
import type { VisualizerConfig } from '../../wire/visualizer-api.ts'
import { BrokerProxy } from './broker-proxy.ts'
import { createClusterSampler } from './cluster-view.ts'
import { EventStream } from './event-stream.ts'
import { openPageServer, sendJson } from './page-server.ts'
import { readHead, replayRoutes } from './replay.ts'
import { openDefaultView, type Viewer, type ViewSource } from './view-source.ts'

interface Where {
  readonly host: string
  /** Undefined: the port that belongs to this home's cluster, else `visualizerTunables.port`. */
  readonly port: number | undefined
}

interface Served {
  readonly address: string
  close(): Promise<void>
}

/** Whose view it is: see `openDefaultView`. Refuses with `usage` when something else listens on the port. */
export async function serveLive(viewer: Viewer, asOperator: boolean, where: Where): Promise<Outcome<Served>> {
  const built = builtPage()
  if (!built.ok) return built
  const view = await openDefaultView(viewer, asOperator)
  return view.ok ? servePage(viewer, view.value, built.value, where) : view
}

/** Refuses with `usage` when the file is not a recording, or something else listens on the port. */
export async function serveReplay(file: string, { host, port }: Where): Promise<Outcome<Served>> {
  const built = builtPage()
  if (!built.ok) return built
  const head = await readHead(file)
  if (!head.ok) return head
  const charts = await layOutAll()
  const at = { host, port: port ?? visualizerTunables.port, folder: built.value }
  try {
    return done(await openPageServer(at, () => replayRoutes(file, head.value, charts)))
  } catch (error) {
    return refuseTaken(error, at.port)
  }
}

function builtPage(): Outcome<string> {
  if (existsSync(pageFolder)) return done(pageFolder)
  return refuse(
    'usage',
    `the visualizer's page has not been built; run npm run build, which puts it into ${pageFolder}`,
  )
}

/** `folder` holds the built page. Closes the view with the page. */
export async function servePage(
  viewer: Pick<Viewer, 'home' | 'servers'>,
  view: ViewSource,
  folder: string,
  { host, port: wanted }: Where,
): Promise<Outcome<Served>> {
  const charts = await layOutAll()
  const plan = findPlan(clusterFolder(viewer))
  const port = wanted ?? (plan ? visualizerPort(plan) : visualizerTunables.port)
  const direct = host === '127.0.0.1' ? directServers(viewer, port) : []
  const proxy = new BrokerProxy(viewer.servers, view.trust)
  const events = new EventStream(view, createClusterSampler(view))
  const close = async () => {
    events.close()
    proxy.close()
    await view.close()
  }
  try {
    const server = await openPageServer({ host, port, folder }, ({ token }) => ({
      connectsTo: direct,
      upgrade: (...socket) => proxy.upgrade(...socket),
      api: {
        '/api/config': (_, response) => sendConfig(view, direct, token, response),
        '/api/machines': (_, response) => sendJson(response, charts),
        '/api/events': (query, response) => events.open(query.get('watcher'), response),
      },
    }))
    return done({
      address: server.address,
      async close() {
        await close()
        await server.close()
      },
    })
  } catch (error) {
    await close()
    return refuseTaken(error, port)
  }
}

async function sendConfig(
  view: ViewSource,
  direct: readonly string[],
  token: string,
  response: ServerResponse,
): Promise<void> {
  const login = await view.login()
  if (!login.ok) {
    response.writeHead(503).end(login.message)
    return
  }
  const { user, pass, expiresAt } = login.value
  // The page may connect only to where it was opened, and the server has checked that name already.
  const proxied = `ws://${response.req.headers.host}/nats/${token}`
  const servers = direct.length > 0 ? [...direct] : [proxied]
  const config: VisualizerConfig = {
    mode: 'live',
    version,
    you: view.you,
    watch: { servers, user, pass, expiresAt, subjects: [...view.subjects] },
    hints: hints(view.you),
  }
  sendJson(response, config)
}

/**
 * Brokers of this home's cluster accept pages from the cluster's own visualizer port. All others are reached through the
 * proxy, and so are brokers with TLS: no browser knows the authority that a cluster makes for itself.
 */
function directServers(viewer: Pick<Viewer, 'home'>, port: number): string[] {
  const folder = clusterFolder(viewer)
  const plan = findPlan(folder)
  if (!plan || usesTls(plan) || visualizerPort(plan) !== port) return []
  return brokersOf(folder, plan).map(({ ports }) => `ws://127.0.0.1:${ports.websocket}`)
}

/** For a page that has nothing to show yet. */
const hints = (you: VisualizerConfig['you']): VisualizerConfig['hints'] => [
  ...(you
    ? []
    : [
        { about: 'Make an account', command: 'shoal signup alice' },
        { about: 'Log in, which starts your agent', command: 'shoal login alice' },
      ]),
  { about: 'Make a group', command: 'shoal group create reef' },
  { about: 'Share a file with it', command: 'shoal share PATH reef' },
  { about: 'Download it on another device', command: 'shoal download reef NAME FOLDER --wait' },
]

/** Throws any other error than that the port is taken. */
function refuseTaken(error: unknown, port: number) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  return refuse('usage', `port ${port} is in use; choose another with --port, or 0 for any free one`)
}

const layOutAll = () => Promise.all(allMachines.map(layOut))
