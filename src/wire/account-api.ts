// What a password decides about its account: logging a device in or out, a new password, the end of the account. Asked over
// a connection that gave the password, on `accountSubject`; no device's connection may. Replies are those of tracker-api.ts.

import * as z from 'zod'
import { credentialHashSchema, deviceNameSchema, deviceSchema, passwordSchema } from './schemas.ts'

export const accountMethods = {
  'log-in': z.strictObject({
    name: deviceNameSchema,
    credentialHash: credentialHashSchema,
  }),
  'change-password': z.strictObject({
    password: passwordSchema,
    /** Of all devices but the asking one. */
    logOutOthers: z.boolean(),
  }),
  'revoke-device': z.strictObject({ device: deviceSchema }),
  delete: z.strictObject({}),
} satisfies Record<string, z.ZodType>

export type AccountMethod = keyof typeof accountMethods
export type AccountParams<M extends AccountMethod> = z.infer<(typeof accountMethods)[M]>

export const isAccountMethod = (text: string): text is AccountMethod => Object.hasOwn(accountMethods, text)

/** On `accountSubject(user, version, method, host)`; the result is empty. */
export const accountRequestSchema = z.strictObject({
  id: z.uuid(),
  /** The device that asks. Only `log-in` and `change-password` go by it, and the holder of the password may name any. */
  device: deviceSchema,
  params: z.unknown(),
})

/** On `passwordVersionSubject(user, host)`. */
export const passwordVersionRequestSchema = z.strictObject({ id: z.uuid() })
/** The result of the reply to it. */
export const passwordVersionResultSchema = z.strictObject({ version: z.string().regex(/^[0-9a-f]{16}$/) })
