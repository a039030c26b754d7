// Signs people up, and trades a password for a device's credential. A password is only hashed here, never kept or
// logged. Sign-ups are rate-limited (attempt-counts.ts), since anybody can make one and each stays in the log for good.

import type { Msg } from 'nats'
import { passwordTunables } from '../../../config/tracker.ts'
import { account } from '../../domain/account.ts'
import { isId, parseId } from '../../domain/names.ts'
import { originOf } from '../../domain/origin.ts'
import { checkPasswordFloor } from '../../domain/password-floor.ts'
import { formatDuration } from '../../domain/quantities.ts'
import { type Outcome, refuse } from '../../domain/refusal.ts'
import { readJson } from '../../wire/json.ts'
import { hostIn, userEvents } from '../../wire/subjects.ts'
import { logInSchema, signUpSchema } from '../../wire/tracker-api.ts'
import type { Commit, Proposal } from './commit.ts'
import { hashPassword } from './password.ts'
import { createHasInterest } from './reply-interest.ts'
import { answerOnce } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

const tooMany = (waitMs: number) =>
  refuse(
    'too-many',
    `too many people are signing up right now; try again in ${formatDuration(Math.ceil(waitMs / 1000))}`,
  )
const malformed = refuse('usage', 'this request is malformed; your shoal and the tracker may be of different versions')

/** All sign-ups share one limit. */
const allUsers = '*'

type Parts = Pick<TrackerParts, 'connections' | 'projection' | 'attempts' | 'hashing'>

export function createAccountRequests({ connections, projection, attempts, hashing }: Parts, commit: Commit) {
  const once = answerOnce()
  const record = async (proposal: Proposal): Promise<Outcome<unknown> | undefined> => {
    const committed = await commit(proposal)
    return committed?.ok ? { ok: true, value: {} } : committed
  }

  return {
    async signUp(message: Msg): Promise<Outcome<unknown> | undefined> {
      const request = readJson(message.data, signUpSchema)
      if (!request) return malformed
      const { id, user, password } = request
      const parsed = parseId('user', user)
      if (!parsed.ok) return parsed
      // Other programs than ours ask for accounts, too.
      const floor = checkPasswordFloor(user, password)
      if (!floor.ok) return floor
      return once([user, id].join(), async () => {
        const origin = originOf(hostIn(message.subject))
        const isNew = projection.handledAt(id) === undefined
        const waitMs = isNew ? attempts.signUps.begin({ origin, target: allUsers, isKnown: false }) : 0
        if (waitMs > 0) return tooMany(waitMs)
        // Hashing is expensive, and a repeated request or a taken id needs none.
        const isNeeded = isNew && projection.userLike(user) === undefined
        const passwordHash = isNeeded ? await hashing.run(origin, () => hashPassword(password)) : ''
        if (passwordHash === undefined) return tooMany(passwordTunables.waitMostMs)
        const decide = () =>
          account.decide({ type: 'sign-up', user, passwordHash }, projection.account(projection.userLike(user) ?? user))
        return record({
          id,
          subject: userEvents(user),
          hasInterest: createHasInterest(connections.shoal, message),
          decide,
        })
      })
    },

    async logIn(message: Msg): Promise<Outcome<unknown> | undefined> {
      const user = message.subject.split('.').at(-1) ?? ''
      const request = readJson(message.data, logInSchema)
      if (!request || !isId(user)) return malformed
      const { id, device, credentialHash } = request
      const decide = () => account.decide({ type: 'log-in-device', device, credentialHash }, projection.account(user))
      const hasInterest = createHasInterest(connections.shoal, message)
      return once([user, id].join(), () =>
        record({ id, by: { user, device }, subject: userEvents(user), hasInterest, decide }),
      )
    },
  }
}
