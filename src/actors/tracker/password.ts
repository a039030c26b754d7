// Passwords: argon2id, in the package's own threads. Checking the password of a user who does not exist takes as long as
// of one who does, so that timing does not reveal who has an account.

import { randomBytes } from 'node:crypto'
import { hash, verify } from '@node-rs/argon2'
import { passwordTunables } from '../../../config/tracker.ts'

export const hashPassword = (password: string): Promise<string> => hash(password, passwordTunables.argon2)

let decoyHash: Promise<string> | undefined

/** `passwordHash` is undefined for a user who does not exist: then false, after the same work. */
export async function isPassword(passwordHash: string | undefined, password: string): Promise<boolean> {
  decoyHash ??= hashPassword(randomBytes(16).toString('hex'))
  const matches = await verify(passwordHash ?? (await decoyHash), password)
  return passwordHash !== undefined && matches
}
