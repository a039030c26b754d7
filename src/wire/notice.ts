// What trackers tell a person's devices when the log brings something that concerns them.

import * as z from 'zod'
import { deviceRefSchema, fileNameSchema, idSchema, sequenceSchema, shareIdSchema } from './schemas.ts'

/** On `noticeSubject(user)`, from every tracker; `seq` lets a receiver drop the second one. */
export const noticeSchema = z.intersection(
  z.object({ seq: sequenceSchema, epoch: sequenceSchema.optional(), group: idSchema }),
  z.discriminatedUnion('type', [
    z.object({ type: z.literal('join.requested'), user: idSchema }),
    z.object({ type: z.literal('join.accepted') }),
    z.object({ type: z.literal('join.rejected') }),
    z.object({ type: z.literal('member.removed') }),
    z.object({ type: z.literal('owner.changed'), user: idSchema }),
    z.object({ type: z.literal('file.shared'), name: fileNameSchema, by: deviceRefSchema, share: shareIdSchema }),
    /** Another device than yours began to offer a share that exists: a running download asks again for its swarm. */
    z.object({ type: z.literal('sharer.added'), name: fileNameSchema, by: deviceRefSchema, share: shareIdSchema }),
    /** Some of your devices no longer share some files of this group: they ask for their `agent.shares` again. */
    z.object({ type: z.literal('sharing.ended') }),
    /** Serve this user nothing of this group any more. */
    z.object({ type: z.literal('access.revoked'), user: idSchema }),
  ]),
)
export type Notice = z.infer<typeof noticeSchema>
