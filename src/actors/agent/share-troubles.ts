// Files that stopped being shared although their owner did not ask for it, and why: one trouble a file, the latest last.
// Only the last few are kept. Each is logged when it is noted.

import type { Logger } from 'pino'
import { agentTunables } from '../../../config/agent.ts'
import { showable } from '../../domain/names.ts'
import { RecentMap } from '../../domain/recent-map.ts'
import type { ShareEntry, ShareName } from '../../storage/library-shares.ts'
import { shareNameKey } from './share-records.ts'

export interface Trouble {
  /** Group and name. */
  readonly file: string
  /** For the owner. */
  readonly message: string
}

export class ShareTroubles {
  readonly #log: Logger
  readonly #troubles: RecentMap<string, Trouble>

  constructor(log: Logger, most: number = agentTunables.mostTroubles) {
    this.#log = log
    this.#troubles = new RecentMap(most)
  }

  /** The same trouble is the same object until it is settled. */
  get list(): readonly Trouble[] {
    return [...this.#troubles.values()]
  }

  note(share: ShareName, why: string): void {
    const { group, name } = share
    const file = shareNameKey(share)
    const message = `${name} is no longer shared with ${group}: ${why}`
    this.#log.warn({ group, name }, message)
    this.#troubles.set(file, { file, message })
  }

  /** The file on disk is not the one that was shared. */
  noteFile(record: ShareEntry, state: 'changed' | 'vanished'): void {
    const path = showable(record.path)
    this.note(record, state === 'changed' ? `${path} has changed; share it again` : `${path} is missing or unreadable`)
  }

  settle(share: ShareName): void {
    this.#troubles.delete(shareNameKey(share))
  }
}
