// Reads JSON from other processes. What cannot be read, or does not fit its schema, is undefined: nothing throws.

import type * as z from 'zod'

/** Keeps a byte order mark, which JSON does not allow: every reader refuses it alike. */
const utf8 = new TextDecoder('utf-8', { ignoreBOM: true })

/** Undefined for what is not JSON. */
export function parseJson(json: string | Uint8Array): unknown {
  try {
    return JSON.parse(typeof json === 'string' ? json : utf8.decode(json))
  } catch {
    return undefined
  }
}

/** Undefined for what is not JSON, or does not fit the schema. */
export function readJson<T extends z.ZodType>(json: string | Uint8Array, schema: T): z.output<T> | undefined {
  try {
    return schema.safeParse(parseJson(json)).data
  } catch {
    // A recursive schema overflows the stack when what it checks is nested deeply enough.
    return undefined
  }
}
