// Where a password comes from: standard input, the environment, or a hidden prompt; never the command line, which every
// user of the machine can read. In the shell the assignment's names may carry it: no one else can read that line.

import { text } from 'node:stream/consumers'
import { done, refuse } from '../domain/refusal.ts'
import type { Result } from './result.ts'

/** As `passwordSchema` of wire/schemas.ts has it, said to a person. */
const maxPasswordLength = 1024

export interface PasswordSources {
  /** Typed in the shell after a classic name. */
  readonly typed?: string | undefined
  /** SHOAL_PASSWORD. */
  readonly environment?: string | undefined
  /** --password-stdin: its first line is the password. */
  readonly input?: AsyncIterable<Buffer> | undefined
  /** Asks without showing what is typed; undefined where there is no terminal. */
  readonly prompt?: ((question: string) => Promise<string>) | undefined
}

export interface Passwords {
  /** `isNew` passwords are asked for twice. */
  ask(user: string, options: { isNew: boolean }): Promise<Result<string>>
}

export const createPasswords = (sources: PasswordSources): Passwords => ({
  async ask(user, { isNew }) {
    const password = await obtain(sources, user, isNew)
    if (!password.ok) return password
    if (password.value === '')
      return refuse(
        'usage',
        `the password is empty; ${isNew ? 'choose one of at least 8 characters' : `type the password of ${user}`}`,
      )
    if (password.value.length > maxPasswordLength)
      return refuse('usage', `the password is too long; choose one of at most ${maxPasswordLength} characters`)
    return password
  },
})

async function obtain(sources: PasswordSources, user: string, isNew: boolean): Promise<Result<string>> {
  const { typed, environment, input, prompt } = sources
  if (typed !== undefined) return done(typed)
  if (input) return done((await text(input)).split(/\r?\n/)[0] ?? '')
  if (environment) return done(environment)
  if (!prompt)
    return refuse('usage', 'there is no terminal to ask for the password; set SHOAL_PASSWORD or use --password-stdin')
  const password = await prompt(`${isNew ? 'New password' : 'Password'} for ${user}:`)
  // An empty one is refused anyway.
  if (isNew && password !== '' && (await prompt('Repeat the password:')) !== password)
    return refuse('usage', 'the two passwords differ; try again')
  return done(password)
}
