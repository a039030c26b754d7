// Where a password comes from: standard input, the environment, or a hidden prompt; never the command line, which every
// user of the machine can read. In the shell the assignment's names may carry it: no one else can read that line.

import { text } from 'node:stream/consumers'
import { leastPasswordLength } from '../domain/password-floor.ts'
import { done, refuse } from '../domain/refusal.ts'
import { checkNewPassword } from './check-new-password.ts'
import type { Result } from './result.ts'

/** As `passwordSchema` of wire/schemas.ts has it, said to a person. */
const maxPasswordLength = 1024

export interface PasswordSources {
  /** Typed in the shell after a classic name. */
  readonly typed?: string | undefined
  /** SHOAL_PASSWORD. */
  readonly environment?: string | undefined
  /** SHOAL_NEW_PASSWORD: takes the place of the present one. */
  readonly newEnvironment?: string | undefined
  /** --password-stdin: its first line is the password, its second the new one that takes its place. */
  readonly input?: AsyncIterable<Buffer> | undefined
  /** Asks without showing what is typed; undefined where there is no terminal. */
  readonly prompt?: ((question: string) => Promise<string>) | undefined
}

export interface Passwords {
  /** An `isNew` password is one that is chosen now: it must be hard to guess, and a prompt asks for it twice. */
  ask(user: string, options: PasswordOptions): Promise<Result<string>>
}

interface PasswordOptions {
  readonly isNew: boolean
  /** It takes the place of a present one, which the other sources give. */
  readonly replaces?: true
}

export const createPasswords = (sources: PasswordSources, checkNew = checkNewPassword): Passwords => ({
  async ask(user, options) {
    const { isNew } = options
    const { prompt } = sources
    const given = await readGiven(sources, options)
    if (given === undefined && !prompt)
      return refuse(
        'usage',
        options.replaces
          ? 'there is no terminal to ask for the new password; set SHOAL_NEW_PASSWORD, or give it as the second line of --password-stdin'
          : 'there is no terminal to ask for the password; set SHOAL_PASSWORD or use --password-stdin',
      )
    const password = given ?? (await prompt!(`${isNew ? 'New password' : 'Password'} for ${user}:`))
    const typable = checkTypable(user, password, isNew)
    if (!typable.ok) return typable
    if (!isNew) return done(password)
    const checked = await checkNew(user, password)
    if (!checked.ok) return checked
    if (given === undefined && (await prompt!('Repeat the password:')) !== password)
      return refuse('usage', 'the two passwords differ; try again')
    return done(password)
  },
})

async function readGiven(sources: PasswordSources, { replaces }: PasswordOptions): Promise<string | undefined> {
  const { typed, environment, newEnvironment, input } = sources
  if (typed !== undefined && !replaces) return typed
  if (input) return (await linesOf(input))[replaces ? 1 : 0] ?? ''
  return (replaces ? newEnvironment : environment) || undefined
}

/** An input can be read once, and a command may ask for two passwords. */
const inputs = new WeakMap<AsyncIterable<Buffer>, Promise<string[]>>()

function linesOf(input: AsyncIterable<Buffer>): Promise<string[]> {
  const lines = inputs.get(input) ?? text(input).then(all => all.split(/\r?\n/))
  inputs.set(input, lines)
  return lines
}

function checkTypable(user: string, password: string, isNew: boolean): Result<void> {
  if (password.length > maxPasswordLength)
    return refuse('usage', `the password is too long; choose one of at most ${maxPasswordLength} characters`)
  if (password !== '') return done(undefined)
  const advice = isNew ? `choose one of at least ${leastPasswordLength} characters` : `type the password of ${user}`
  return refuse('usage', `the password is empty; ${advice}`)
}
