// Notices when a peer that owes us blocks has stopped delivering. A byte now and then does not count: only
// `leastBytes`, or the end of a block, shows that it is alive. Does no I/O.

import type { PeerSettings } from '../../../config/swarm.ts'
import { IdleWatch } from './idle-watch.ts'

export class DeliveryWatch extends IdleWatch {
  readonly #leastBytes: number
  #bytes = 0

  constructor({ leastBytes }: Pick<PeerSettings, 'leastBytes'>) {
    super()
    this.#leastBytes = leastBytes
  }

  /** A block has arrived, or the first one was requested after a pause. */
  override restart(): void {
    super.restart()
    this.#bytes = 0
  }

  /** Part of a block has arrived. */
  bytesArrived(count: number): void {
    this.#bytes += count
    if (this.#bytes >= this.#leastBytes) this.restart()
  }
}
