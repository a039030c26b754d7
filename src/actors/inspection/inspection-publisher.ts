// Publishes what watchers are shown, and no more than a broker takes: the bytes on their way to it are bounded, and what
// comes beyond that is dropped, never kept. After a drop the watchers need a new snapshot, and `recovered` asks for it as
// soon as there is room.

import { randomBytes } from 'node:crypto'
import type { NatsConnection } from 'nats'
import { inspectionTunables } from '../../../config/inspection.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import type { Inspection } from '../../wire/inspection.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'
import { inspectSubject } from '../../wire/subjects.ts'

type WithoutHead<M> = M extends unknown ? Omit<M, 'run' | 'n' | 'at'> : never
export type Content = WithoutHead<Inspection>

type Connection = Pick<NatsConnection, 'publish' | 'flush' | 'isClosed'>

export class InspectionPublisher {
  readonly #connection: Connection
  readonly #device: DeviceRef
  readonly #recovered: () => void
  /** Names this process, for as long as it runs. */
  readonly #run = randomBytes(8).toString('hex')
  #nextNumber = 0
  #bytesOnTheirWay = 0
  #isFlushing = false
  #hasDropped = false
  #flushTimer: NodeJS.Timeout | undefined

  /** `recovered`: there is room again after something was dropped. */
  constructor(connection: Connection, device: DeviceRef, recovered: () => void) {
    this.#connection = connection
    this.#device = device
    this.#recovered = recovered
  }

  /** False when it was dropped. `about` becomes the last part of the subject. */
  publish(about: string, content: Content): boolean {
    if (this.#connection.isClosed()) return false
    const message = JSON.stringify({ run: this.#run, n: this.#nextNumber, at: Date.now(), ...content })
    const bytes = Buffer.byteLength(message)
    if (
      bytes > inspectionBounds.messageBytes ||
      this.#bytesOnTheirWay + bytes > inspectionTunables.mostBytesOnTheirWay
    ) {
      this.#hasDropped = true
      return false
    }
    this.#nextNumber += 1
    this.#bytesOnTheirWay += bytes
    const subject = inspectSubject(this.#device, about.replaceAll(/[^\w:$-]/g, '_').slice(0, 200))
    this.#connection.publish(subject, message)
    this.#flushSoon()
    return true
  }

  /** A flush costs a round trip: one for many messages, but at once when much is on its way. */
  #flushSoon(): void {
    if (this.#isFlushing) return
    if (this.#bytesOnTheirWay > inspectionTunables.mostBytesOnTheirWay / 2) void this.#flush()
    else this.#flushTimer ??= setTimeout(() => void this.#flush(), inspectionTunables.flushEveryMs).unref()
  }

  async #flush(): Promise<void> {
    this.#isFlushing = true
    clearTimeout(this.#flushTimer)
    this.#flushTimer = undefined
    do {
      const flushed = this.#bytesOnTheirWay
      try {
        await this.#connection.flush()
      } catch {
        // The connection was lost, and with it what was on its way.
        this.#hasDropped = true
      }
      this.#bytesOnTheirWay -= flushed
    } while (this.#hasDropped && this.#bytesOnTheirWay > 0 && !this.#connection.isClosed())
    this.#isFlushing = false
    if (this.#bytesOnTheirWay > 0) return this.#flushSoon()
    if (!this.#hasDropped) return
    this.#hasDropped = false
    this.#recovered()
  }
}
