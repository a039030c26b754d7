// The limits set for this device, whichever user is logged in.

import { type Limits, limitsSchema } from '../wire/agent-api.ts'
import type { LibraryConnection } from './library-connection.ts'

export interface LibraryLimits {
  limits(): Limits
  saveLimits(limits: Limits): void
}

const noLimits: Limits = { up: null, down: null, connections: null }

export function createLibraryLimits(connection: LibraryConnection): LibraryLimits {
  const select = connection.prepare('SELECT name, value FROM limits').raw()
  const clear = connection.prepare('DELETE FROM limits')
  const insert = connection.prepare('INSERT INTO limits (name, value) VALUES (?, ?)')

  return {
    limits: connection.transaction(() =>
      connection.parse(limitsSchema, { ...noLimits, ...Object.fromEntries(select.all() as [string, number][]) }),
    ),
    saveLimits: connection.transaction((limits: Limits) => {
      clear.run()
      for (const [name, value] of Object.entries(limits)) if (value !== null) insert.run(name, value)
    }),
  }
}
