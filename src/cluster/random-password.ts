// A password that the operator hands to a person, by voice if need be. It is made and hashed on the operator's machine: nothing
// else ever holds it.

import { randomInt } from 'node:crypto'
import { hashPassword } from '../actors/tracker/password.ts'

/** Lower case, and nothing that looks like anything else: 99 bits in 20 of these 31 characters. */
const alphabet = 'abcdefghjkmnpqrstuvwxyz23456789'
const groups = 4
const groupLength = 5

const randomGroup = () => Array.from({ length: groupLength }, () => alphabet[randomInt(alphabet.length)]).join('')

/** `passwordHash`: argon2id in its PHC string form. */
export async function makePassword(): Promise<{ password: string; passwordHash: string }> {
  const password = Array.from({ length: groups }, randomGroup).join('-')
  return { password, passwordHash: await hashPassword(password) }
}
