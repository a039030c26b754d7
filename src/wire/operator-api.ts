// What the operator asks the trackers: every method with the schemas of its parameters and its result. Requests are on
// `operatorSubject(method)`, where only a tracker's key may publish. A tracker first reads the log to its end, so an operator,
// who has no device to remember it, need not say what they have seen. Replies are as in wire/tracker-api.ts.

import * as z from 'zod'
import { signUpSettingSchema } from './log-record.ts'
import { idSchema, millisecondsSchema } from './schemas.ts'
import { page } from './tracker-api.ts'

const nothing = z.strictObject({})
const aUser = z.strictObject({ user: idSchema })
/** The operator's machine makes the password and hashes it, so that no message carries it. */
const aUserWithPassword = aUser.extend({ passwordHash: z.string().startsWith('$argon2id$').max(200) })

const write = <P extends z.ZodType>(params: P) => ({ params, result: nothing, kind: 'write' as const })

export const operatorMethods = {
  'user.list': {
    params: z.strictObject({ after: idSchema.optional() }),
    result: page(
      z.strictObject({
        user: idSchema,
        since: millisecondsSchema,
        /** How many it is logged in on, and how many it is a member of. */
        devices: z.number().int().nonnegative(),
        groups: z.number().int().nonnegative(),
        state: z.enum(['active', 'disabled']),
      }),
      idSchema,
    ),
    kind: 'read' as const,
  },
  'user.add': write(aUserWithPassword),
  'user.disable': write(aUser),
  'user.enable': write(aUser),
  'user.reset': write(aUserWithPassword),
  'user.delete': write(aUser),
  'group.transfer': write(aUser.extend({ group: idSchema })),
  'sign-up.set': write(z.strictObject({ signUp: signUpSettingSchema })),
}

export type OperatorMethod = keyof typeof operatorMethods
export type OperatorParams<M extends OperatorMethod> = z.output<(typeof operatorMethods)[M]['params']>
export type OperatorResult<M extends OperatorMethod> = z.output<(typeof operatorMethods)[M]['result']>
export type OperatorRow<M extends 'user.list'> = OperatorResult<M>['rows'][number]

/** What is published on `operatorSubject(method)`. The id makes asking twice act once. */
export const operatorRequestSchema = z.strictObject({ id: z.uuid(), params: z.unknown() })
