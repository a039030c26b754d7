// Tells a peer what our upload cap is once the peer has to wait because of it, and again when the cap changes or is
// lifted. Sends at most `uploadTunables.limitsTold` notices, which is as many as a peer accepts.

import { uploadTunables } from '../../../config/swarm.ts'
import type { Throttle } from './throttle.ts'

export class LimitNotice {
  readonly #throttle: Pick<Throttle, 'bytesPerSecond'>
  readonly #send: (bytesPerSecond: number) => void
  #sent: number | undefined
  #notices = 0

  /** `send` gets bytes a second, or 0 for no cap. */
  constructor(throttle: Pick<Throttle, 'bytesPerSecond'>, send: (bytesPerSecond: number) => void) {
    this.#throttle = throttle
    this.#send = send
  }

  update(): void {
    const { bytesPerSecond } = this.#throttle
    if (bytesPerSecond === this.#sent || this.#notices === uploadTunables.limitsTold) return
    this.#sent = bytesPerSecond
    this.#notices += 1
    this.#send(bytesPerSecond ?? 0)
  }
}
