// Signs people up, and does what a password decides: logging devices in and out, a new password, the end of an account. A
// password is only hashed here, never kept or logged. Sign-ups are rate-limited (attempt-counts.ts), since any guest can make
// one and each stays in the log for good. Wrong passwords never come here: the authenticator refuses their connections.

import { passwordTunables } from '../../../config/tracker.ts'
import { type AccountCommand, account, passwordVersion } from '../../domain/account.ts'
import { signUpClosed } from '../../domain/cluster-settings.ts'
import { isId, parseId } from '../../domain/names.ts'
import { originOf } from '../../domain/origin.ts'
import { checkPasswordFloor } from '../../domain/password-floor.ts'
import { formatDuration } from '../../domain/quantities.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import {
  type AccountMethod,
  type AccountParams,
  accountMethods,
  accountRequestSchema,
  isAccountMethod,
  passwordVersionRequestSchema,
} from '../../wire/account-api.ts'
import { readJson } from '../../wire/json.ts'
import { hostIn, userEvents } from '../../wire/subjects.ts'
import { signUpSchema } from '../../wire/tracker-api.ts'
import type { CatchUp } from './catch-up.ts'
import { signUpDecision } from './commands.ts'
import type { Commit, Proposal } from './commit.ts'
import type { Taken } from './intake.ts'
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

/** Over a connection that gave the password of that version. */
interface Asking {
  readonly user: string
  readonly device: string
  readonly proven: string
}
type ProvenCommand = Extract<AccountCommand, { proven: string }>
type Meaning = Outcome<(at: number) => ProvenCommand>
type Hash = (password: string) => Promise<string | undefined>

const tooManyHashes = refuse('too-many', 'too many passwords are being checked right now; try again in a moment')

/** What each method asks of the account. */
const meanings: {
  [M in AccountMethod]: (params: AccountParams<M>, asking: Asking, hash: Hash) => Promise<Meaning>
} = {
  'log-in': async (params, { device, proven }) =>
    done(at => ({ type: 'log-in-device', device, at, proven, ...params })),
  async 'change-password'({ password, logOutOthers }, { user, device, proven }, hash) {
    const strong = checkPasswordFloor(user, password)
    if (!strong.ok) return strong
    const passwordHash = await hash(password)
    if (passwordHash === undefined) return tooManyHashes
    return done(() => ({ type: 'change-password', passwordHash, proven, keep: logOutOthers ? device : undefined }))
  },
  'revoke-device': async ({ device }, { proven }) => done(() => ({ type: 'revoke-device', device, proven })),
  delete: async (_, { proven }) => done(() => ({ type: 'delete', proven })),
}

type Parts = Pick<TrackerParts, 'connections' | 'projection' | 'attempts' | 'hashing'>

export function createAccountRequests(
  { connections, projection, attempts, hashing }: Parts,
  commit: Commit,
  catchUp: Pick<CatchUp, 'toEnd'>,
) {
  const once = answerOnce()
  const record = async (proposal: Proposal): Promise<Outcome<unknown> | undefined> => {
    const committed = await commit(proposal)
    return committed?.ok ? { ok: true, value: {} } : committed
  }

  /** If the operator has just opened sign-up, the end of the log says so. */
  async function isClosed(): Promise<boolean> {
    const isClosedHere = () => projection.clusterSettings().signUp === 'closed'
    if (isClosedHere()) await catchUp.toEnd()
    return isClosedHere()
  }

  return {
    async signUp(message: Taken): Promise<Outcome<unknown> | undefined> {
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
        if (isNew && (await isClosed())) return signUpClosed
        const waitMs = isNew ? attempts.signUps.begin({ origin, target: allUsers, isKnown: false }) : 0
        if (waitMs > 0) return tooMany(waitMs)
        // Hashing is expensive, and a repeated request or a taken id needs none.
        const isNeeded = isNew && projection.userLike(user) === undefined
        const passwordHash = isNeeded ? await hashing.run(origin, () => hashPassword(password)) : ''
        if (passwordHash === undefined) return tooMany(passwordTunables.waitMostMs)
        return record({
          id,
          subject: userEvents(user),
          hasInterest: createHasInterest(connections.guests, message),
          decide: signUpDecision(projection, user, passwordHash),
        })
      })
    },

    /** As of the log's end, so that a connection which gave the present password learns the version it may act under. */
    async passwordVersion(message: Taken): Promise<Outcome<{ version: string }> | undefined> {
      const user = message.subject.split('.')[2] ?? ''
      if (!isId(user) || !readJson(message.data, passwordVersionRequestSchema)) return malformed
      await catchUp.toEnd()
      const passwordHash = projection.passwordHash(user)
      if (passwordHash === undefined) return refuse('no-such-user', 'there is no such user; sign up first')
      return done({ version: passwordVersion(passwordHash) })
    },

    /** On `accountSubject`, of which the brokers vouch for the user and the version. */
    async decide(message: Taken): Promise<Outcome<unknown> | undefined> {
      const [, , user = '', proven = '', method = ''] = message.subject.split('.')
      const request = readJson(message.data, accountRequestSchema)
      if (!request || !isId(user) || !isAccountMethod(method)) return malformed
      const params = accountMethods[method].safeParse(request.params)
      if (!params.success) return malformed
      const { id, device } = request
      const hasInterest = createHasInterest(connections.writes, message)
      const hash: Hash = async password =>
        projection.handledAt(id) === undefined ? hashing.run(user, () => hashPassword(password)) : ''
      return once([user, method, id].join(), async () => {
        const mean = meanings[method] as (params: unknown, asking: Asking, hash: Hash) => Promise<Meaning>
        const meaning = await mean(params.data, { user, device, proven }, hash)
        if (!meaning.ok) return meaning
        const decide = (at: number) => account.decide(meaning.value(at), projection.account(user))
        return record({ id, by: { user, device }, subject: userEvents(user), hasInterest, decide })
      })
    },
  }
}
