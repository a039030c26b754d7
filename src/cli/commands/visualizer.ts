// visualizer: serves the page on which a person sees the machines work, live or from a recording, until interrupted.

import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { command, flag, value } from '../command.ts'
import { endSignal } from '../interruption.ts'
import { absolutePath } from '../paths.ts'
import type { Result } from '../result.ts'

function parsePort(option: string, typed: string | undefined): Outcome<number | undefined> {
  if (typed === undefined) return done(undefined)
  if (/^\d{1,5}$/.test(typed) && Number(typed) <= 65_535) return done(Number(typed))
  return refuse('usage', `--${option} takes a number up to 65535; "${typed.slice(0, 40)}" is none`)
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
    const { serveLive, serveReplay, tellStately } = await import('../../visualizer/server/serve-page.ts')
    if (stately.value !== undefined) {
      const told = await tellStately(context, input.operator, stately.value)
      if (!told.ok) return told
      context.display.note(`sending to the Stately inspector on port ${stately.value} of this machine`)
      await endSignal()
      await told.value()
      return done(undefined)
    }
    const where = { host: input.host ?? '127.0.0.1', port: port.value }
    const served =
      input.replay === undefined
        ? await serveLive(context, input.operator, where)
        : await serveReplay(absolutePath(input.replay), where)
    if (!served.ok) return served
    const ending = endSignal()
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

export const visualizerCommands = [visualizer]
