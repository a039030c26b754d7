// The prompt: one line at a time from a terminal or a pipe. On a terminal it has history and completion, and prints
// notifications above the line being typed. Between lines it releases the terminal, so that Ctrl-C reaches the command that
// runs, and a command can show a hidden prompt of its own.

import { clearScreenDown, createInterface, cursorTo, type Interface, moveCursor } from 'node:readline'
import type { History } from './history.ts'

export type Complete = (line: string) => Promise<[candidates: string[], part: string]>

export interface Prompt {
  /** Undefined at the end of the input. */
  next(): Promise<string | undefined>
  /** Prints a line above the one being typed; returns false when none is. */
  above(line: string): boolean
}

export interface PromptOptions {
  readonly input: NodeJS.ReadStream
  readonly output: NodeJS.WriteStream
  readonly history: History
  readonly complete: Complete
  /** What stands before the cursor. */
  readonly question: () => string
}

export function createTerminalPrompt({ input, output, history, complete, question }: PromptOptions): Prompt {
  /** Lines of a paste beyond the first, and what was typed after them. */
  const ahead: string[] = []
  let unfinished = ''
  let typing: Interface | undefined

  return {
    async next() {
      const waiting = ahead.shift()
      if (waiting !== undefined) {
        output.write(`${question()}${waiting}\n`)
        return waiting
      }
      const line = createInterface({
        input,
        output,
        history: history.lines(),
        prompt: question(),
        completer: (typed: string, tell: (error: null, result: [string[], string]) => void) =>
          complete(typed).then(
            found => tell(null, found),
            () => tell(null, [[], typed]),
          ),
      })
      typing = line
      const { promise, resolve } = Promise.withResolvers<string | undefined>()
      line.on('line', text => {
        history.add(text)
        ahead.push(text)
        resolve(undefined)
      })
      line.on('close', () => resolve(undefined))
      line.on('SIGINT', () => {
        line.write(null, { ctrl: true, name: 'e' })
        line.write(null, { ctrl: true, name: 'u' })
        output.write('^C\n')
        line.prompt()
      })
      line.prompt()
      if (unfinished !== '') line.write(unfinished)
      await promise
      unfinished = ahead.length > 0 ? line.line : ''
      typing = undefined
      line.close()
      const text = ahead.shift()
      if (text === undefined) output.write('\n')
      return text
    },

    above(text) {
      if (!typing) return false
      // The typed text may fill several rows: go above them, print, and redraw it as far down as it was.
      const { rows } = typing.getCursorPos()
      moveCursor(output, 0, -rows)
      cursorTo(output, 0)
      clearScreenDown(output)
      output.write(`${text}\n${'\n'.repeat(rows)}`)
      typing.prompt(true)
      return true
    },
  }
}

/** Lines as they come, with no prompt: for scripts that pipe commands in. */
export function createPipedPrompt(input: NodeJS.ReadableStream): Prompt {
  const lines = createInterface({ input, crlfDelay: Number.POSITIVE_INFINITY })[Symbol.asyncIterator]()
  return {
    async next() {
      const { value, done } = await lines.next()
      return done ? undefined : value
    },
    above: () => false,
  }
}
