// Colours and bold text, or plain text in a pipe, with NO_COLOR, or on a terminal without colours.

import { styleText } from 'node:util'

export type Style = ((format: Parameters<typeof styleText>[0], text: string) => string) & {
  /** The output goes to a person, so it may have more details than scripts expect. */
  readonly isTerminal: boolean
}

export const styleFor = (stream: NodeJS.WritableStream & { readonly isTTY?: boolean }): Style =>
  Object.assign(
    (format: Parameters<typeof styleText>[0], text: string) =>
      styleText(format, text, { stream, validateStream: true }),
    { isTerminal: stream.isTTY === true },
  )

export const plainStyle: Style = Object.assign((_format: unknown, text: string) => text, { isTerminal: false })
