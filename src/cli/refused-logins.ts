// How often in a row this home was refused a log-in. Brokers refuse a wrong password, an unknown user id, and a right
// password typed after too many wrong ones in the same way; only the count tells when that last reason is worth a hint.

import { readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { loginHintTunables } from '../../config/client.ts'
import { guessTunables } from '../../config/tracker.ts'
import type { Home } from '../actors/device/home.ts'

const fileOf = ({ folder }: Pick<Home, 'folder'>) => join(folder, 'refused-logins')

/** 0 where nothing, or nothing legible, was saved. */
export function countRefusedLogins(home: Pick<Home, 'folder'>): number {
  try {
    const count = Number(readFileSync(fileOf(home), 'utf8'))
    return Number.isSafeInteger(count) && count > 0 ? count : 0
  } catch {
    return 0
  }
}

/** A full disk only costs the hint. */
export function saveRefusedLogins(home: Pick<Home, 'folder'>, count: number): void {
  try {
    if (count === 0) rmSync(fileOf(home), { force: true })
    else writeFileSync(fileOf(home), `${count}\n`, { mode: 0o600 })
  } catch {}
}

/** `count` includes this refusal; `command` was refused, of the user who is logged in. */
export function wrongPassword(user: string, count: number, command?: string): string {
  const wrong = command === undefined ? 'wrong user id or password' : 'wrong password'
  if (count < loginHintTunables.afterRefusals)
    return command === undefined
      ? `${wrong}; check both, then run shoal login ${user} again`
      : `${wrong}; check it, then run shoal ${command} again`
  const waitSeconds = guessTunables.limits.perTarget.everyMs / 1000
  return `${wrong}, ${count} times in a row; after many wrong passwords even the right one is refused, so wait ${waitSeconds} seconds before the next try`
}
