// Colour and weight, or nothing where they do not belong: a pipe, NO_COLOR, a terminal that has none.

import { styleText } from 'node:util'

export type Style = ((format: Parameters<typeof styleText>[0], text: string) => string) & {
  /** A person looks at it: more may be said than the contract's lines. */
  readonly isTerminal: boolean
}

export const styleFor = (stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Style =>
  Object.assign(
    (format: Parameters<typeof styleText>[0], text: string) =>
      styleText(format, text, { stream, validateStream: true }),
    { isTerminal: stream.isTTY === true },
  )

export const plainStyle: Style = Object.assign((_format: unknown, text: string) => text, { isTerminal: false })
