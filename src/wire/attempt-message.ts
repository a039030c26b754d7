// What trackers tell each other of attempts that they allowed, so that all together allow no more than one would. Sent on
// `attemptsSubject` in the trackers' own NATS account, which no other client can use.

import * as z from 'zod'

export const attemptsSubject = 'shoal.attempts'

export const attemptMessageSchema = z.strictObject({
  /** The tracker that says so; it has counted it already. */
  by: z.string().max(64),
  what: z.enum(['guess', 'sign-up', 'visit']),
  how: z.enum(['counted', 'given-back']),
  attempt: z.strictObject({ origin: z.string().max(64), target: z.string().max(64), isKnown: z.boolean() }),
})
export type AttemptMessage = z.infer<typeof attemptMessageSchema>
