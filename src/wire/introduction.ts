// How two devices meet on the relay. The fetching one names a channel to a tracker and proves that it holds a ticket for the
// other; the tracker tells the other. Only trackers publish introductions, and bytes flow only on a channel that its
// receiver has opened after one.

import { createHmac, timingSafeEqual } from 'node:crypto'
import * as z from 'zod'
import { channelSchema, deviceRefSchema } from './schemas.ts'

/** On `introductionSubject(device)`: `from` is about to use that channel. */
export const introductionSchema = z.strictObject({ from: deviceRefSchema, channel: channelSchema })
export type Introduction = z.infer<typeof introductionSchema>

/** 32 bytes in base64url. `psk`: the ticket's key (wire/ticket.ts), which its holder has and a tracker can compute. */
export const introductionProof = (psk: Buffer, channel: string): string =>
  createHmac('sha256', psk).update(`introduction\n${channel}`).digest('base64url')

export function isIntroductionProof(proof: string, psk: Buffer, channel: string): boolean {
  const right = Buffer.from(introductionProof(psk, channel))
  const given = Buffer.from(proof)
  return given.length === right.length && timingSafeEqual(given, right)
}
