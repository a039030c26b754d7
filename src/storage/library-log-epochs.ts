// For each login, the epoch of the log (domain/log-position.ts) that its shares last agreed with.

import type { LibraryConnection } from './library-connection.ts'

export interface LibraryLogEpochs {
  /** 0 when there is none yet. */
  logEpoch(login: string): number
  saveLogEpoch(login: string, epoch: number): void
}

export function createLibraryLogEpochs(connection: LibraryConnection): LibraryLogEpochs {
  const select = connection.prepare('SELECT epoch FROM logs WHERE login = ?').pluck()
  const replace = connection.prepare('INSERT OR REPLACE INTO logs VALUES (?, ?)')

  return {
    logEpoch: connection.transaction((login: string) => (select.get(login) as number | undefined) ?? 0),
    saveLogEpoch: connection.transaction((login: string, epoch: number) => {
      replace.run(login, epoch)
    }),
  }
}
