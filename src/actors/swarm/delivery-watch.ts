// Notices when a peer that owes us blocks has stopped delivering. A byte now and then does not count: only
// `leastBytes`, or the end of a block, shows that it is alive. Counts checks instead of reading a clock: while this
// process itself stands still no peer can deliver, and the whole pause counts as one check. Does no I/O.

import type { PeerSettings } from '../../../config/swarm.ts'

const checksBeforeSilence = 10

/** How often `check` is due, so that a peer counts as silent after `silentAfterMs`, or up to a tenth later. */
export const checkEveryMs = ({ silentAfterMs }: Pick<PeerSettings, 'silentAfterMs'>): number =>
  silentAfterMs / checksBeforeSilence

export class DeliveryWatch {
  readonly #leastBytes: number
  #checks = 0
  #bytes = 0

  constructor({ leastBytes }: Pick<PeerSettings, 'leastBytes'>) {
    this.#leastBytes = leastBytes
  }

  /** A block has arrived, or the first one was requested after a pause. */
  restart(): void {
    this.#checks = 0
    this.#bytes = 0
  }

  /** Part of a block has arrived. */
  bytesArrived(count: number): void {
    this.#bytes += count
    if (this.#bytes >= this.#leastBytes) this.restart()
  }

  /** One more check found blocks outstanding. True when the peer has been silent for too many in a row. */
  check(): boolean {
    this.#checks += 1
    return this.#checks > checksBeforeSilence
  }
}
