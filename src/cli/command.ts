// What a command is: its words, what follows them, what it does, and how its result reads. Doing returns a value, and
// that value is what --json prints; rendering turns it into text. The parser, the help, the classic names, the shell
// and its completion all come from these declarations.

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
  /** "group create": the noun, and what to do with it. */
  readonly words: string
  readonly summary: string
  /** How a person would type it, without the leading `shoal`. */
  readonly example: string
  /** Argument -> what it is, in order. One whose name ends with `?` may be left out, if it is the last. */
  readonly args?: Args
  readonly options?: Options
  /** Takes a password. Only the assignment's spelling, inside the shell, may have it typed as a last argument. */
  readonly takesPassword?: true
  /** Runs in the foreground until told to end, and sees to signals itself. */
  readonly ownsInterrupts?: true
  run(context: Context, input: InputOf<Args, Options>): Promise<Result<T>>
  /** No text for an empty string. */
  render(value: T, style: Style): string
}

export interface Command {
  readonly words: string
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

/** A declaration with its types checked, then forgotten: the parser makes inputs of the declared shape. */
export function command<
  const Args extends Record<string, string> = Record<never, never>,
  const Options extends Record<string, Flag | Value> = Record<never, never>,
  T = unknown,
>(declaration: Declaration<Args, Options, T>): Command {
  return { args: {}, options: {}, takesPassword: false, ownsInterrupts: false, ...declaration } as unknown as Command
}
