// visualizer: serves the page on which a person sees the machines work, live or from a recording, until interrupted.

import { existsSync } from 'node:fs'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import type { VisualizerConfig } from '../wire/visualizer-api.ts'
import { command, flag, type Result, value } from './command.ts'
import type { Context, Workplace } from './context.ts'
import { toldToEnd } from './interruption.ts'
import { absolutePath } from './paths.ts'
import { version } from './version.ts'

const defaultPort = 4262

function parsePort(option: string, typed: string | undefined): Outcome<number | undefined> {
  if (typed === undefined) return done(undefined)
  if (/^\d{1,5}$/.test(typed) && Number(typed) <= 65_535) return done(Number(typed))
  return refuse('usage', `--${option} takes a number up to 65535; "${typed.slice(0, 40)}" is none`)
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

/**
 * Brokers of the cluster in this home take pages from its visualizer's own port; all others are reached through here, and so
 * are those that speak TLS: no browser knows the authority that a cluster makes for itself.
 */
async function directServers(context: Pick<Workplace, 'home'>, port: number): Promise<string[]> {
  const [{ findPlan, brokersOf, usesTls, visualizerPort }, { clusterFolder }] = await Promise.all([
    import('../cluster/cluster-plan.ts'),
    import('./cluster.ts'),
  ])
  const folder = clusterFolder(context)
  const plan = findPlan(folder)
  if (!plan || usesTls(plan) || visualizerPort(plan) !== port) return []
  return brokersOf(folder, plan).map(({ ports }) => `ws://127.0.0.1:${ports.websocket}`)
}

const visualizer = command({
  words: 'visualizer',
  summary: 'Serve a page that shows the machines, downloads and the cluster at work, and print its address.',
  example: 'visualizer',
  ownsInterrupts: true,
  options: {
    port: value('port', "Where the page is served (default: the cluster's port and 40, 4262); 0 is any free one."),
    host: value('host', 'An address of this machine that others can reach (default: 127.0.0.1, this machine alone).'),
    replay: value('file', 'Show a recording that the page has saved; nothing is connected to.'),
    stately: value(
      'port',
      'Serve no page: send what the machines do to a Stately inspector that listens on this port of this machine.',
    ),
    operator: flag(
      'Show everybody’s devices; in the home that holds the cluster, and the default there while nobody is logged in.',
    ),
  },
  async run(context, input): Promise<Result<undefined>> {
    const port = parsePort('port', input.port)
    if (!port.ok) return port
    const stately = parsePort('stately', input.stately)
    if (!stately.ok) return stately
    if (stately.value !== undefined && [input.port, input.host, input.replay].some(other => other !== undefined))
      return refuse('usage', '--stately serves no page, so it goes with none of --port, --host and --replay')
    if (stately.value !== undefined) return tellStately(context, input.operator, stately.value)
    const { pageFolder } = await import('../cluster/package-root.ts')
    if (!existsSync(pageFolder))
      return refuse('usage', `the page is not built: run npm run build (it goes to ${pageFolder})`)
    const host = input.host ?? '127.0.0.1'
    const served =
      input.replay === undefined
        ? await serveLive(context, input.operator, pageFolder, host, port.value)
        : await serveReplay(absolutePath(input.replay), pageFolder, host, port.value ?? defaultPort)
    if (!served.ok) return served
    const ending = toldToEnd()
    context.display.progress(
      { address: served.value.address },
      { isStream: true, lines: () => [], plainLines: ({ address }) => [address] },
    )
    await ending
    await served.value.close()
    return done(undefined)
  },
  render: () => '',
})

/** Until interrupted. */
async function tellStately(context: Context, asOperator: boolean, port: number): Promise<Result<undefined>> {
  const { linkToStately } = await import('./page/stately-link.ts')
  const view = await viewOf(context, asOperator)
  if (!view.ok) return view
  const ending = toldToEnd()
  const unlink = await linkToStately(port, view.value)
  if (unlink) {
    context.display.note(`sending to the Stately inspector on port ${port} of this machine`)
    await ending
    unlink()
  }
  await view.value.close()
  if (unlink) return done(undefined)
  return refuse(
    'unreachable',
    `no Stately inspector listens on port ${port} of this machine; createInspectorServer of @statelyai/inspect/server starts one`,
  )
}

interface Served {
  readonly address: string
  close(): Promise<void>
}

async function serveLive(
  context: Context,
  asOperator: boolean,
  folder: string,
  host: string,
  port: number | undefined,
): Promise<Outcome<Served>> {
  const view = await viewOf(context, asOperator)
  return view.ok ? servePage(context, view.value, folder, host, port) : view
}

async function viewOf(context: Context, asOperator: boolean) {
  const { holdsCluster, openView } = await import('./page/view-source.ts')
  return openView(context, asOperator || (!context.home.session() && holdsCluster(context)))
}

async function serveReplay(file: string, folder: string, host: string, port: number): Promise<Outcome<Served>> {
  const [{ openPageServer }, { readHead, replayRoutes }] = await Promise.all([
    import('./page/page-server.ts'),
    import('./page/replay.ts'),
  ])
  const head = await readHead(file)
  if (!head.ok) return head
  const charts = await layOutAll()
  try {
    return done(await openPageServer({ host, port, folder }, () => replayRoutes(file, head.value, charts)))
  } catch (error) {
    return refuseTaken(error, port)
  }
}

/** Throws what is no port that somebody else has. */
function refuseTaken(error: unknown, port: number) {
  if ((error as NodeJS.ErrnoException).code !== 'EADDRINUSE') throw error
  return refuse('usage', `something else listens on port ${port}: choose another with --port, or 0 for any free one`)
}

/** `folder` holds the built page; `wanted` is the port. */
export async function servePage(
  context: Pick<Workplace, 'home' | 'servers'>,
  view: import('./page/view-source.ts').ViewSource,
  folder: string,
  host: string,
  wanted: number | undefined,
): Promise<Outcome<Served>> {
  const [{ openPageServer, sendJson }, { createBrokerBridge }, { createWatchDesk }, { createClusterLook }, charts] =
    await Promise.all([
      import('./page/page-server.ts'),
      import('./page/broker-bridge.ts'),
      import('./page/watch-desk.ts'),
      import('./page/cluster-view.ts'),
      layOutAll(),
    ])
  const { findPlan, visualizerPort } = await import('../cluster/cluster-plan.ts')
  const { clusterFolder } = await import('./cluster.ts')
  const plan = findPlan(clusterFolder(context))
  const port = wanted ?? (plan ? visualizerPort(plan) : defaultPort)
  const direct = host === '127.0.0.1' ? await directServers(context, port) : []
  const bridge = createBrokerBridge(context.servers, view.trust)
  const desk = createWatchDesk(view, createClusterLook(view))
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

async function layOutAll() {
  const { allMachines } = await import('../machines/all-machines.ts')
  const { layOut } = await import('../charts/lay-out.ts')
  return Promise.all(allMachines.map(layOut))
}

export const visualizerCommands = [visualizer]
