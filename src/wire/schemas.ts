// The schemas that several messages share. Sizes and ranges are bounded here, so that no code behind them checks again.

import * as z from 'zod'
import { isDeviceId, isDeviceName, isFileName, isId } from '../domain/names.ts'
import { refusalCodes } from '../domain/refusal.ts'

export const idSchema = z.string().refine(isId, 'not an id')
export const deviceSchema = z.string().refine(isDeviceId, 'not a device id')
export const deviceNameSchema = z.string().refine(isDeviceName, 'not a device name')
/** SHA-256 of the credential that a device made for itself, in hex: trackers learn no more of it. */
export const credentialHashSchema = z.string().regex(/^[0-9a-f]{64}$/)
export const fileNameSchema = z.string().refine(isFileName, 'not a file name')
export const shareIdSchema = z.string().regex(/^[0-9a-f]{32}$/)
/** A relayed channel's id: 128 random bits. */
export const channelSchema = z.string().regex(/^[0-9a-f]{32}$/)
export const millisecondsSchema = z.number().int().nonnegative()
export const sequenceSchema = z.number().int().nonnegative()
export const portSchema = z.number().int().min(1).max(65535)
/** 1 to 1,024 bytes. argon2 accepts any length, but no one types more. */
export const passwordSchema = z.string().min(1).max(1024)

/** The shape only; `checkManifest` says whether it is consistent. */
export const manifestSchema = z.strictObject({
  name: fileNameSchema,
  size: z.number().int().nonnegative(),
  sha1: z.string().length(40),
  sha256: z.string().length(64),
  pieceLength: z.number().int().positive(),
  pieces: z.string().max(128 * 1024),
})

export const deviceRefSchema = z.strictObject({ user: idSchema, device: deviceSchema })

export const refusalSchema = z.object({
  ok: z.literal(false),
  code: z.enum(refusalCodes),
  message: z.string().max(1000),
})
