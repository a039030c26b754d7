// Answers the operator: lists accounts, and decides what only the operator may do to accounts, groups and the whole cluster.
// Only a tracker's key may publish these requests, so nothing else is asked of their sender.

import { account, type OperatorsAccountCommand } from '../../domain/account.ts'
import { clusterSettings } from '../../domain/cluster-settings.ts'
import { group } from '../../domain/group.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { Projection } from '../../storage/projection.ts'
import { readJson } from '../../wire/json.ts'
import {
  type OperatorMethod,
  type OperatorParams,
  operatorMethods,
  operatorRequestSchema,
} from '../../wire/operator-api.ts'
import { clusterEvents, groupEvents, operatorSubject, userEvents } from '../../wire/subjects.ts'
import type { CatchUp } from './catch-up.ts'
import { signUpDecision } from './commands.ts'
import type { Commit, Proposal } from './commit.ts'
import type { Taken } from './intake.ts'
import { pageOf } from './page-of.ts'
import { createHasInterest } from './reply-interest.ts'
import { answerOnce } from './tracker-messages.ts'
import type { TrackerParts } from './tracker-parts.ts'

type Write = Exclude<OperatorMethod, 'user.list'>
type Change = Pick<Proposal, 'subject' | 'decide'>

const unknownRequest = refuse(
  'usage',
  'the trackers do not know this request; your shoal and they may be of different versions',
)

const isMethod = (text: string): text is OperatorMethod => Object.hasOwn(operatorMethods, text)

function createChanges(projection: Projection): { [M in Write]: (params: OperatorParams<M>) => Change } {
  const ofUser = (user: string, command: OperatorsAccountCommand): Change => ({
    subject: userEvents(user),
    decide() {
      const state = projection.account(user)
      if (state.user === undefined || state.isDeleted)
        return refuse('no-such-user', `there is no user ${user}; see shoal cluster user list`)
      return account.decide(command, state)
    },
  })
  return {
    'user.add': ({ user, passwordHash }) => ({
      subject: userEvents(user),
      decide: signUpDecision(projection, user, passwordHash),
    }),
    'user.disable': ({ user }) => ofUser(user, { type: 'disable' }),
    'user.enable': ({ user }) => ofUser(user, { type: 'enable' }),
    'user.reset': ({ user, passwordHash }) => ofUser(user, { type: 'reset-password', passwordHash }),
    'user.delete': ({ user }) => ofUser(user, { type: 'remove' }),
    'group.transfer': ({ group: name, user }) => ({
      subject: groupEvents(name),
      decide: at => group.decide({ type: 'appoint', user, at }, projection.group(name)),
    }),
    'sign-up.set': ({ signUp }) => ({
      subject: clusterEvents,
      decide: () => clusterSettings.decide({ type: 'set-sign-up', signUp }, projection.clusterSettings()),
    }),
  }
}

/** Undefined when the operator no longer waits for the answer. */
export function createOperatorRequests(
  { connections, projection }: Pick<TrackerParts, 'connections' | 'projection'>,
  commit: Commit,
  catchUp: Pick<CatchUp, 'toEnd'>,
): (message: Taken) => Promise<Outcome<unknown> | undefined> {
  const once = answerOnce()
  const changes = createChanges(projection)

  async function answer(message: Taken, id: string, method: OperatorMethod, params: unknown) {
    const parsed = operatorMethods[method].params.safeParse(params)
    if (!parsed.success) return unknownRequest
    if (method === 'user.list') {
      await catchUp.toEnd()
      const { after } = parsed.data as OperatorParams<'user.list'>
      return done(pageOf(projection.accounts(after), ({ user }) => user))
    }
    const change = (changes[method] as (params: unknown) => Change)(parsed.data)
    const hasInterest = createHasInterest(connections.writes, message)
    const committed = await commit({ id, by: 'operator', hasInterest, ...change })
    return committed?.ok ? done({}) : committed
  }

  return async message => {
    const method = message.subject.slice(operatorSubject('').length)
    const request = readJson(message.data, operatorRequestSchema)
    if (!request || !isMethod(method)) return unknownRequest
    const { id, params } = request
    return once([method, id].join(), () => answer(message, id, method, params))
  }
}
