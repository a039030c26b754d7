// Trackers tell each other of the attempts that they allowed, so that together they allow no more than one would. Sent on
// `attemptsSubject` in the trackers' own NATS account, which no other client can use.

import * as z from 'zod'

export const attemptsSubject = 'shoal.attempts'

export const attemptMessageSchema = z.strictObject({
  /** The sending tracker, which has counted the attempt already. */
  by: z.string().max(64),
  what: z.enum(['guess', 'sign-up', 'visit']),
  how: z.enum(['counted', 'given-back']),
  attempt: z.strictObject({ origin: z.string().max(64), target: z.string().max(64), isKnown: z.boolean() }),
})
export type AttemptMessage = z.infer<typeof attemptMessageSchema>
