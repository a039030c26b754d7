// All output of the command line: results and streams on stdout, failures and notes on stderr, for people or as JSON.
// Every value is escaped here and nowhere else (escape.ts); renderers get text that is safe to show.

import type { Failure } from '../result.ts'
import { showable, showableDeep, showableJson } from './escape.ts'
import { createLiveLines, type LiveLines } from './live-lines.ts'
import { plainStyle, type Style, styleFor } from './style.ts'
import { WaitingLine } from './waiting-line.ts'

/** How the progress of a command is shown. */
export interface ProgressView<T> {
  /** With --json: whether each item is printed as a document, or only the result. */
  readonly isStream: boolean
  /** Redrawn in place on a terminal. */
  lines(item: T, style: Style): readonly string[]
  /** Without a terminal: printed when they have changed. */
  plainLines?(item: T): readonly string[]
}

export interface Display {
  readonly json: boolean
  result<T>(value: T, render: (value: T, style: Style) => string): void
  progress<T>(item: T, view: ProgressView<T>): void
  /** Removes what `progress` has drawn. */
  endProgress(): void
  /** Returns what `work` comes to. On a terminal, a line says that this command waits for `what`, once that takes long. */
  whileWaiting<T>(what: string, work: Promise<T>): Promise<T>
  /** Prints a line for people on stderr. */
  note(text: string): void
  /** Advice on stderr, only for a person at a terminal whose stdout is redirected. Never with --json. */
  hint(text: string): void
  failure(failure: Failure): void
}

interface Stream {
  write(text: string): unknown
  readonly isTTY?: boolean
}

export interface DisplayStreams {
  readonly out: Stream & NodeJS.WritableStream
  readonly err: Stream & NodeJS.WritableStream
}

export function createDisplay({ out, err }: DisplayStreams, json: boolean): Display {
  const isLive = !json && out.isTTY === true
  const style = json ? plainStyle : styleFor(out)
  let live: LiveLines | undefined
  let printed = ''

  const waiting = new WaitingLine(err, !json && err.isTTY === true)

  const endProgress = () => {
    waiting.erase()
    live?.clear()
    live = undefined
    printed = ''
  }

  return {
    json,

    result(value, render) {
      endProgress()
      if (json) {
        if (value !== undefined) out.write(`${showableJson(value)}\n`)
        return
      }
      const text = render(showableDeep(value), style)
      if (text !== '') out.write(`${text}\n`)
    },

    progress(item, view) {
      waiting.erase()
      if (json) {
        if (view.isStream) out.write(`${showableJson(item)}\n`)
        return
      }
      if (isLive) {
        live ??= createLiveLines(out)
        live.draw(view.lines(showableDeep(item), style))
        return
      }
      const text = view.plainLines?.(showableDeep(item)).join('\n') ?? ''
      if (text !== '' && text !== printed) out.write(`${text}\n`)
      printed = text
    },

    endProgress,
    whileWaiting: (what, work) => waiting.during(what, work),

    note(text) {
      waiting.erase()
      if (live) live.above(showable(text))
      else err.write(`${showable(text)}\n`)
    },

    hint(text) {
      if (!json && !out.isTTY && err.isTTY) err.write(`${showable(text)}\n`)
    },

    failure({ code, message }) {
      endProgress()
      if (json) out.write(`${showableJson({ error: { code, message } })}\n`)
      err.write(`${styleFor(err)('red', 'shoal:')} ${showable(message)}\n`)
    },
  }
}
