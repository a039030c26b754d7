// Passwords: argon2id, off the main thread (the package's own threads). Checking one against nobody's hash takes as
// long as against somebody's, so the time says not who has an account.

import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { passwordTunables } from '../../../config/tracker.ts'

export const hashPassword = (password: string): Promise<string> => hash(password, passwordTunables.argon2)

let nobodysHash: Promise<string> | undefined

/** `passwordHash` is undefined for a user that does not exist: then false, after the same work. */
export async function isPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  nobodysHash ??= hashPassword(randomBytes(16).toString('hex'))
  const matches = await verify(passwordHash ?? (await nobodysHash), password)
  return passwordHash !== undefined && matches
}
