// visualizer: serves the page that shows the machines at work, live or from a recording, until interrupted.

import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { command, flag, value } from '../command.ts'
import { endSignal } from '../interruption.ts'
import { absolutePath } from '../paths.ts'
import type { Result } from '../result.ts'

function parsePort(option: string, typed: string | undefined): Outcome<number | undefined> {
  if (typed === undefined) return done(undefined)
  if (/^\d{1,5}$/.test(typed) && Number(typed) <= 65_535) return done(Number(typed))
  return refuse('usage', `"${typed.slice(0, 40)}" is not a port; --${option} takes a number up to 65535`)
}

const visualizer = command({
  name: 'visualizer',
  summary: 'Serve a page that shows machines, downloads and the cluster at work, and print its address.',
  example: 'visualizer',
  ownsInterrupts: true,
  options: {
    port: value('port', "The page's port; 0 takes any free one (default: the cluster's port plus 40, else 4262)."),
    host: value('host', 'The address to listen on for browsers (default: 127.0.0.1, this machine only).'),
    replay: value('file', 'Show a recording saved from the page, without connecting to a cluster.'),
    stately: value(
      'port',
      'Do not serve a page; send every step to a Stately inspector that listens on this port of this machine.',
    ),
    operator: flag(
      'Show all devices. Needs the home that holds the cluster, where it is the default while you are logged out.',
    ),
  },
  async run(context, input): Promise<Result<undefined>> {
    const port = parsePort('port', input.port)
    if (!port.ok) return port
    const stately = parsePort('stately', input.stately)
    if (!stately.ok) return stately
    if (stately.value !== undefined && [input.port, input.host, input.replay].some(other => other !== undefined))
      return refuse('usage', '--stately serves no page; leave out --port, --host and --replay')
    if (stately.value !== undefined) {
      const { sendToStately } = await import('../../visualizer/server/stately-bridge.ts')
      const stop = await sendToStately(context, input.operator, stately.value)
      if (!stop.ok) return stop
      context.display.note(`sending to the Stately inspector on port ${stately.value} of this machine`)
      await endSignal()
      await stop.value()
      return done(undefined)
    }
    const { serveLive, serveReplay } = await import('../../visualizer/server/serve-page.ts')
    const where = { host: input.host ?? '127.0.0.1', port: port.value }
    const served =
      input.replay === undefined
        ? await serveLive(context, input.operator, where)
        : await serveReplay(absolutePath(input.replay), where)
    if (!served.ok) return served
    const ended = endSignal()
    context.display.progress(
      { address: served.value.address },
      { isStream: true, lines: () => [], plainLines: ({ address }) => [address] },
    )
    await ended
    await served.value.close()
    return done(undefined)
  },
  render: () => '',
})

export const visualizerCommands = [visualizer]
