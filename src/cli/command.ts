// What a command is: its name, its arguments, what it does, and how its result reads. `run` returns a value, which --json
// prints; `render` turns it into text. The parser, the help, the classic names and completion all read these declarations.

import type { Context } from './context.ts'
import type { Style } from './render/style.ts'
import type { Result } from './result.ts'

export interface Flag {
  readonly kind: 'flag'
  readonly about: string
}
export interface Value {
  readonly kind: 'value'
  readonly placeholder: string
  readonly about: string
}
export const flag = (about: string): Flag => ({ kind: 'flag', about })
export const value = (placeholder: string, about: string): Value => ({ kind: 'value', placeholder, about })

export type InputOf<Args, Options> = {
  readonly [K in keyof Args]: K extends `${string}?` ? string | undefined : string
} & {
  readonly [K in keyof Options]: Options[K] extends Flag ? boolean : string | undefined
}

export interface Declaration<Args, Options, T> {
  /** "group create": a noun and a verb, or one word. */
  readonly name: string
  readonly summary: string
  /** As typed, without the leading `shoal`. */
  readonly example: string
  /** Argument -> what it is, in order. The last may be optional: its name then ends with `?`. */
  readonly args?: Args
  readonly options?: Options
  /** Takes a password. Only a classic name, inside the shell, may have it typed as a last argument. */
  readonly takesPassword?: true
  /** Runs in the foreground until a signal ends it, and handles signals itself. */
  readonly ownsInterrupts?: true
  run(context: Context, input: InputOf<Args, Options>): Promise<Result<T>>
  /** An empty string prints nothing. */
  render(value: T, style: Style): string
}

export interface Command {
  readonly name: string
  readonly summary: string
  readonly example: string
  readonly args: Readonly<Record<string, string>>
  readonly options: Readonly<Record<string, Flag | Value>>
  readonly takesPassword: boolean
  readonly ownsInterrupts: boolean
  run(context: Context, input: Input): Promise<Result<unknown>>
  render(value: unknown, style: Style): string
}

export type Input = Readonly<Record<string, string | boolean | undefined>>

/** Checks a declaration's types, then forgets them: the parser makes inputs of the declared shape. */
export function command<
  const Args extends Record<string, string> = Record<never, never>,
  const Options extends Record<string, Flag | Value> = Record<never, never>,
  T = unknown,
>(declaration: Declaration<Args, Options, T>): Command {
  return { args: {}, options: {}, takesPassword: false, ownsInterrupts: false, ...declaration } as unknown as Command
}
