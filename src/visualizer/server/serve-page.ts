// What the visualizer command does: the page served, live or from a recording, or what happens told to Stately's inspector.
// Loaded when it is asked for.

import { existsSync } from 'node:fs'
import { layOut } from '../../charts/lay-out.ts'
import { clusterFolder } from '../../cluster/cluster-folder.ts'
import { brokersOf, findPlan, usesTls, visualizerPort } from '../../cluster/cluster-plan.ts'
import { pageFolder } from '../../cluster/package-root.ts'
import { version } from '../../cluster/version.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { allMachines } from '../../machines/all-machines.ts'
import type { VisualizerConfig } from '../../wire/visualizer-api.ts'
import { createBrokerBridge } from './broker-proxy.ts'
import { createClusterLook } from './cluster-view.ts'
import { createPageWatch } from './event-stream.ts'
import { openPageServer, sendJson } from './page-server.ts'
import { readHead, replayRoutes } from './replay.ts'
import { linkToStately } from './stately-bridge.ts'
import { holdsCluster, openView, type Viewer, type ViewSource } from './view-source.ts'

const defaultPort = 4262

interface Where {
  readonly host: string
  /** Undefined: the one that belongs to the cluster of this home, or else the default. */
  readonly port: number | undefined
}

interface Served {
  readonly address: string
  close(): Promise<void>
}

/** As the operator, if asked to, or by default where nobody is logged in and the home holds the cluster. */
export async function serveLive(context: Viewer, asOperator: boolean, where: Where): Promise<Outcome<Served>> {
  const built = builtPage()
  if (!built.ok) return built
  const view = await viewOf(context, asOperator)
  return view.ok ? servePage(context, view.value, built.value, where) : view
}

/** `file` is a recording. Refuses with `usage` when it is none, or something else listens there. */
export async function serveReplay(file: string, { host, port = defaultPort }: Where): Promise<Outcome<Served>> {
  const built = builtPage()
  if (!built.ok) return built
  const head = await readHead(file)
  if (!head.ok) return head
  const charts = await layOutAll()
  try {
    return done(await openPageServer({ host, port, folder: built.value }, () => replayRoutes(file, head.value, charts)))
  } catch (error) {
    return refuseTaken(error, port)
  }
}

/** Until what is returned is called. */
export async function tellStately(
  viewer: Viewer,
  asOperator: boolean,
  port: number,
): Promise<Outcome<() => Promise<void>>> {
  const view = await viewOf(viewer, asOperator)
  if (!view.ok) return view
  const unlink = await linkToStately(port, view.value)
  if (unlink)
    return done(async () => {
      unlink()
      await view.value.close()
    })
  await view.value.close()
  return refuse(
    'unreachable',
    `no Stately inspector listens on port ${port} of this machine; createInspectorServer of @statelyai/inspect/server starts one`,
  )
}

function viewOf(context: Viewer, asOperator: boolean): Promise<Outcome<ViewSource>> {
  return openView(context, asOperator || (!context.home.session() && holdsCluster(context)))
}

function builtPage(): Outcome<string> {
  if (existsSync(pageFolder)) return done(pageFolder)
  return refuse('usage', `the page is not built: run npm run build (it goes to ${pageFolder})`)
}

/** `folder` holds the built page. Refuses with `usage` when something else listens there. */
export async function servePage(
  context: Pick<Viewer, 'home' | 'servers'>,
  view: ViewSource,
  folder: string,
  { host, port: wanted }: Where,
): Promise<Outcome<Served>> {
  const charts = await layOutAll()
  const plan = findPlan(clusterFolder(context))
  const port = wanted ?? (plan ? visualizerPort(plan) : defaultPort)
  const direct = host === '127.0.0.1' ? directServers(context, port) : []
  const bridge = createBrokerBridge(context.servers, view.trust)
  const desk = createPageWatch(view, createClusterLook(view))
  const close = async () => {
    desk.close()
    bridge.close()
    await view.close()
  }
  try {
    const server = await openPageServer({ host, port, folder }, ({ token }) => {
      return {
        connectsTo: direct,
        upgrade: (...socket) => bridge.upgrade(...socket),
        api: {
          async '/api/config'(_, response) {
            const login = await view.login()
            if (!login.ok) {
              response.writeHead(503).end(login.message)
              return
            }
            const { user, pass, expiresAt } = login.value
            // Where the page was opened: it may connect nowhere else, and the server has looked at that name already.
            const bridged = `ws://${response.req.headers.host}/nats/${token}`
            const servers = direct.length > 0 ? [...direct] : [bridged]
            const config: VisualizerConfig = {
              mode: 'live',
              version,
              you: view.you,
              watch: { servers, user, pass, expiresAt, subjects: [...view.subjects] },
              hints: hints(view.you),
            }
            sendJson(response, config)
          },
          '/api/machines': (_, response) => sendJson(response, charts),
          '/api/events': (query, response) => desk.open(query.get('watcher'), response),
        },
      }
    })
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

/**
 * Brokers of the cluster in this home take pages from its visualizer's own port; all others are reached through here, and so
 * are those that speak TLS: no browser knows the authority that a cluster makes for itself.
 */
function directServers(context: Pick<Viewer, 'home'>, port: number): string[] {
  const folder = clusterFolder(context)
  const plan = findPlan(folder)
  if (!plan || usesTls(plan) || visualizerPort(plan) !== port) return []
  return brokersOf(folder, plan).map(({ ports }) => `ws://127.0.0.1:${ports.websocket}`)
}

/** For a page that shows nothing yet: what makes something happen. */
const hints = (you: VisualizerConfig['you']): VisualizerConfig['hints'] => [
  ...(you
    ? []
    : [
        { about: 'Make an account', command: 'shoal signup alice' },
        { about: 'Log in: this starts your agent', command: 'shoal login alice' },
      ]),
  { about: 'Make a group', command: 'shoal group create reef' },
  { about: 'Share a file with it', command: 'shoal share PATH reef' },
  { about: 'On another device: download it', command: 'shoal download reef NAME FOLDER --wait' },
]

/** Throws what is no port that somebody else has. */
function refuseTaken(error: unknown, port: number) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  return refuse('usage', `something else listens on port ${port}: choose another with --port, or 0 for any free one`)
}

const layOutAll = () => Promise.all(allMachines.map(layOut))
