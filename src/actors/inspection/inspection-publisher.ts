// What is published for watchers, and no more than a broker takes: so many bytes may be on their way to it, and what
// comes beyond that is dropped, never kept. After a drop the watchers are owed a new picture, and get it once there is room.

import { randomBytes } from 'node:crypto'
import type { NatsConnection } from 'nats'
import { inspectionTunables } from '../../../config/inspection.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { type Inspection, inspectionBounds } from '../../wire/inspection.ts'
import { inspectSubject } from '../../wire/subjects.ts'

type Unheaded<M> = M extends unknown ? Omit<M, 'run' | 'n' | 'at'> : never
export type Content = Unheaded<Inspection>

interface Outlet {
  /** False when it was dropped. */
  publish(about: string, content: Content): boolean
}

/** `recovered`: there is room again after something was dropped. */
export function createInspectionPublisher(
  connection: Pick<NatsConnection, 'publish' | 'flush' | 'isClosed'>,
  me: DeviceRef,
  recovered: () => void,
): Outlet {
  const run = randomBytes(8).toString('hex')
  let n = 0
  let onTheirWay = 0
  let isFlushing = false
  let hasDropped = false
  let flushing: NodeJS.Timeout | undefined

  /** Asking whether it was taken is a message, too: once for many, but soon when much is on its way. */
  const flushSoon = () => {
    if (isFlushing) return
    if (onTheirWay > inspectionTunables.mostBytesOnTheirWay / 2) void flush()
    else flushing ??= setTimeout(flush, inspectionTunables.flushEveryMs).unref()
  }
  const flush = async () => {
    isFlushing = true
    clearTimeout(flushing)
    flushing = undefined
    do {
      const flushed = onTheirWay
      try {
        await connection.flush()
      } catch {
        // The connection was lost, and with it what was on its way.
        hasDropped = true
      }
      onTheirWay -= flushed
    } while (hasDropped && onTheirWay > 0 && !connection.isClosed())
    isFlushing = false
    if (onTheirWay > 0) return flushSoon()
    if (!hasDropped) return
    hasDropped = false
    recovered()
  }

  return {
    publish(about, content) {
      if (connection.isClosed()) return false
      const message = JSON.stringify({ run, n, at: Date.now(), ...content })
      const bytes = Buffer.byteLength(message)
      if (bytes > inspectionBounds.messageBytes || onTheirWay + bytes > inspectionTunables.mostBytesOnTheirWay) {
        hasDropped = true
        return false
      }
      n += 1
      onTheirWay += bytes
      connection.publish(inspectSubject(me, about.replaceAll(/[^\w:$-]/g, '_').slice(0, 200)), message)
      flushSoon()
      return true
    },
  }
}
