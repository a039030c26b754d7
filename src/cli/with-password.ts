// Proves a password to the trackers and asks them what only it decides, over a connection of its own. Counts refusals in
// this home, for the hint that the next one may give (refused-logins.ts).

import { askAccount } from '../actors/client/account-client.ts'
import type { LogPosition } from '../domain/log-position.ts'
import { type Outcome, refuse } from '../domain/refusal.ts'
import type { AccountMethod, AccountParams } from '../wire/account-api.ts'
import { connectAs } from './connect-as.ts'
import type { Context } from './context.ts'
import { countRefusedLogins, saveRefusedLogins, wrongPassword } from './refused-logins.ts'
import type { Result } from './result.ts'

/** `askedAt`: when the person had answered the last question, if one was asked meanwhile; ms since 1970. */
export type AskAccount = <M extends AccountMethod>(
  method: M,
  params: AccountParams<M>,
  askedAt?: number,
) => Promise<Outcome<LogPosition>>

interface Proof {
  readonly user: string
  readonly password: string
  /** What the person typed; undefined for `login`. */
  readonly command?: string
}

/** Refuses with `bad-credentials` where the password is wrong, before `use` is called; ends the connection after it. */
export async function withPassword<T>(
  context: Context,
  { user, password, command }: Proof,
  use: (ask: AskAccount) => Promise<Result<T>>,
): Promise<Result<T>> {
  const { home } = context
  const refused = refuse('bad-credentials', wrongPassword(user, countRefusedLogins(home) + 1, command))
  const startedAt = Date.now()
  const connecting = connectAs({ kind: 'password', user, password }, context, refused)
  const connected = await context.display.whileWaiting('the brokers', connecting)
  if (!connected.ok) {
    if (connected === refused) saveRefusedLogins(home, countRefusedLogins(home) + 1)
    return connected
  }
  saveRefusedLogins(home, 0)
  const connection = connected.value
  try {
    const asker = { user, device: home.device() }
    return await use((method, params, askedAt = startedAt) =>
      context.display.whileWaiting('the trackers', askAccount(connection, asker, method, params, askedAt)),
    )
  } finally {
    await connection.close()
  }
}
