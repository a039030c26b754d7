// One message of the log: everything that one command changed in one aggregate, applied as a whole or not at all. Its `id`
// is the request's, and also NATS's message id.

import * as z from 'zod'
import type { AccountEvent } from '../domain/account.ts'
import type { ClusterEvent } from '../domain/cluster-settings.ts'
import type { GroupEvent } from '../domain/group-protocol.ts'
import {
  deviceNameSchema,
  deviceSchema,
  fileNameSchema,
  idSchema,
  manifestSchema,
  millisecondsSchema,
  shareIdSchema,
} from './schemas.ts'

const group = idSchema
const user = idSchema
const device = deviceSchema
const at = millisecondsSchema
const name = fileNameSchema

/** Whether people may sign up by themselves. */
export const signUpSettingSchema = z.enum(['open', 'closed'])

const eventSchema = z.discriminatedUnion('type', [
  z.strictObject({ type: z.literal('account.created'), user, passwordHash: z.string(), at }),
  z.strictObject({ type: z.literal('account.disabled'), user }),
  z.strictObject({ type: z.literal('account.enabled'), user }),
  z.strictObject({
    type: z.literal('device.logged-in'),
    user,
    device,
    name: deviceNameSchema,
    credentialHash: z.string(),
    at,
    replaces: z.literal(true).optional(),
  }),
  z.strictObject({ type: z.literal('device.used'), user, device, at }),
  z.strictObject({ type: z.literal('device.logged-out'), user, device }),
  z.strictObject({ type: z.literal('password.changed'), user, passwordHash: z.string() }),
  z.strictObject({ type: z.literal('account.deleted'), user }),
  z.strictObject({ type: z.literal('group.created'), group, owner: user, at, hidden: z.literal(true).optional() }),
  z.strictObject({ type: z.literal('join.requested'), group, user, at }),
  z.strictObject({ type: z.literal('join.accepted'), group, user, at }),
  z.strictObject({ type: z.literal('join.rejected'), group, user }),
  z.strictObject({ type: z.literal('member.left'), group, user }),
  z.strictObject({ type: z.literal('member.removed'), group, user }),
  z.strictObject({ type: z.literal('owner.changed'), group, user }),
  z.strictObject({ type: z.literal('group.ended'), group }),
  z.strictObject({ type: z.literal('share.created'), group, id: shareIdSchema, manifest: manifestSchema }),
  z.strictObject({ type: z.literal('sharer.added'), group, name, user, device }),
  z.strictObject({ type: z.literal('sharer.removed'), group, name, user, device: device.optional() }),
  z.strictObject({ type: z.literal('share.ended'), group, name }),
  z.strictObject({ type: z.literal('sign-up.set'), signUp: signUpSettingSchema }),
])

export type LogEvent = AccountEvent | GroupEvent | ClusterEvent

export const logRecordSchema = z.strictObject({
  id: z.uuid(),
  /** When it was decided, ms since 1970, by the deciding tracker's clock. */
  at,
  /** Who asked; absent for a sign-up, and for what trackers finish by themselves. */
  by: z.union([z.strictObject({ user, device }), z.literal('operator')]).optional(),
  events: z.array(eventSchema).min(1),
})
export type LogRecord = z.infer<typeof logRecordSchema>
