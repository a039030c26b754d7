// Signing up, by a guest, and trading a password for a device's credential, by a connection that gave the password.
// The password itself is only ever hashed here; it is neither kept nor logged.

import type { Msg } from 'nats'
import { account } from '../../domain/account.ts'
import { isId, parseId } from '../../domain/names.ts'
import { type Outcome, refuse } from '../../domain/refusal.ts'
import { userEvents } from '../../wire/subjects.ts'
import { logInSchema, signUpSchema } from '../../wire/tracker-api.ts'
import type { Commit, Proposal } from './commit.ts'
import { hashPassword } from './password.ts'
import { answerOnce, parseBody } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

const malformed = refuse('usage', 'this request is malformed; the client may be of another version')

export function createAccountDesk({ projection }: Pick<TrackerParts, 'projection'>, commit: Commit) {
  const once = answerOnce()
  const record = async (proposal: Proposal): Promise<Outcome<unknown>> => {
    const committed = await commit(proposal)
    return committed.ok ? { ok: true, value: {} } : committed
  }

  return {
    async signUp(message: Msg): Promise<Outcome<unknown>> {
      const request = parseBody(message, signUpSchema)
      if (!request) return malformed
      const { id, user, password } = request
      const parsed = parseId('user', user)
      if (!parsed.ok) return parsed
      return once([user, id].join(), async () => {
        // Hashing is dear; a repeated request, or an id that is taken, needs none.
        const isNeeded = projection.handledAt(id) === undefined && projection.passwordHash(user) === undefined
        const passwordHash = isNeeded ? await hashPassword(password) : ''
        const decide = () => account.decide({ type: 'sign-up', user, passwordHash }, projection.account(user))
        return record({ id, subject: userEvents(user), decide })
      })
    },

    async logIn(message: Msg): Promise<Outcome<unknown>> {
      const user = message.subject.split('.').at(-1) ?? ''
      const request = parseBody(message, logInSchema)
      if (!request || !isId(user)) return malformed
      const { id, device, credentialHash } = request
      const decide = () => account.decide({ type: 'log-in-device', device, credentialHash }, projection.account(user))
      return once([user, id].join(), () => record({ id, by: { user, device }, subject: userEvents(user), decide }))
    },
  }
}
