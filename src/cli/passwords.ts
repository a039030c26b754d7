// Where a password comes from: the environment, standard input, or a hidden prompt; never the command line, which
// everybody on the machine can read. In the shell the assignment's spelling may carry it: that line is nobody else's.

import { text } from 'node:stream/consumers'
import { done, refuse } from '../domain/refusal.ts'
import type { Result } from './result.ts'

/** As `passwordSchema` of wire/schemas.ts has it, said to a person. */
const maxPasswordLength = 1024

export interface PasswordSources {
  /** From the shell's classic spelling. */
  readonly typed?: string | undefined
  /** SHOAL_PASSWORD. */
  readonly environment?: string | undefined
  /** --password-stdin: its first line is the password. */
  readonly input?: AsyncIterable<Buffer> | undefined
  /** Asks the person without showing what they type; undefined where there is no terminal. */
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
    if (password.value === '') return refuse('usage', 'an empty password is none; choose a longer one')
    if (password.value.length > maxPasswordLength)
      return refuse('usage', `a password has ${maxPasswordLength} characters at most`)
    return password
  },
})

async function obtain(sources: PasswordSources, user: string, isNew: boolean): Promise<Result<string>> {
  const { typed, environment, input, prompt } = sources
  if (typed !== undefined) return done(typed)
  if (input) return done((await text(input)).split(/\r?\n/)[0] ?? '')
  if (environment) return done(environment)
  if (!prompt)
    return refuse(
      'usage',
      'there is no terminal to ask for the password on; set SHOAL_PASSWORD, or hand it over with --password-stdin',
    )
  const password = await prompt(`${isNew ? 'New password' : 'Password'} for ${user}:`)
  if (isNew && (await prompt('The same again:')) !== password)
    return refuse('usage', 'the two passwords differ; nothing was done, try again')
  return done(password)
}
