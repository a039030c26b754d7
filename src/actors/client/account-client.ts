// Asks the trackers what only a password decides, over a connection that gave it (wire/account-api.ts). Every request is
// made under the version of that password: once it has changed, the brokers or the trackers refuse.

import { randomUUID } from 'node:crypto'
import { errors, type NatsConnection } from 'nats'
import type { LogPosition } from '../../domain/log-position.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { type AccountMethod, type AccountParams, passwordVersionResultSchema } from '../../wire/account-api.ts'
import { accountSubject, inboxPrefix, passwordVersionSubject } from '../../wire/subjects.ts'
import type { TrackerReply } from '../../wire/tracker-api.ts'
import { askPersistently } from './tracker-client.ts'

/** The methods of a NATS connection used here. */
type Transport = Pick<NatsConnection, 'publish' | 'subscribe' | 'status' | 'info'>

export interface Asker {
  readonly user: string
  /** The device that asks. */
  readonly device: string
}

/** What was recorded is in the log up to that position. `askedAt`: from when on its deadline counts, ms since 1970. */
export async function askAccount<M extends AccountMethod>(
  transport: Transport,
  { user, device }: Asker,
  method: M,
  params: AccountParams<M>,
  askedAt = Date.now(),
): Promise<Outcome<LogPosition>> {
  const ask = async (subject: string, body: object): Promise<Outcome<Extract<TrackerReply, { ok: true }>>> => {
    const answer = await askPersistently(transport, inboxPrefix(user), subject, { id: randomUUID(), ...body }, askedAt)
    if (!answer.ok) return answer
    return answer.value.ok ? done(answer.value) : refuse(answer.value.code, answer.value.message)
  }
  const asked = async (): Promise<Outcome<LogPosition>> => {
    const host = transport.info?.client_ip ?? ''
    const answer = await ask(passwordVersionSubject(user, host), {})
    if (!answer.ok) return answer
    const result = passwordVersionResultSchema.safeParse(answer.value.result)
    if (!result.success)
      return refuse('unreachable', 'a tracker answered in a form that this version does not know; update shoal')
    const acted = await ask(accountSubject(user, result.data.version, method, host), { device, params })
    return acted.ok ? done({ seq: acted.value.seq, epoch: acted.value.epoch ?? 0 }) : acted
  }
  return Promise.race([asked(), refusedByBroker(transport)])
}

/** The password was changed between the log-in and the request: this connection may not act under the new one. */
async function refusedByBroker(transport: Pick<Transport, 'status'>): Promise<Outcome<never>> {
  for await (const event of transport.status())
    if (event.type === 'error' && event.error instanceof errors.PermissionViolationError)
      return refuse('bad-credentials', 'the password was changed meanwhile; try again with the new one')
  // The connection was closed, which `asked` tells.
  return new Promise(() => {})
}
