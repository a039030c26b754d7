// Reading JSON that somebody else wrote. What cannot be read, or does not fit its schema, is undefined: nothing throws.

import type * as z from 'zod'

/** Undefined for what is not JSON. */
export function parseJson(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : new TextDecoder().decode(json))
  } catch {
    return undefined
  }
}

/** Undefined for what is not JSON, or does not fit the schema. */
export const readJson = <T extends z.ZodType>(json: string | Uint8Array, schema: T): z.output<T> | undefined =>
  schema.safeParse(parseJson(json)).data
