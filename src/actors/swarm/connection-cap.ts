// How many connections the downloads of this device may have open at once. Every running download can have one: while
// some have none, a place is kept for each download that could still come, so one with many peers never shuts out
// another. Lowering the cap ends what is beyond it, the latest first.

import { downloadTunables } from '../../../config/swarm.ts'

export interface ConnectionCap {
  /** Undefined when there is no room now; else gives the place back. `end` is called, once, when the room is taken away. */
  enter(share: string, end: () => void): (() => void) | undefined
  /** `downloadTunables.maxRunning` or more; undefined lifts the cap. */
  limit(most: number | undefined): void
}

interface Place {
  readonly share: string
  readonly end: () => void
}

export function createConnectionCap(): ConnectionCap {
  const places = new Set<Place>()
  let most: number | undefined

  const shares = () => new Set([...places].map(({ share }) => share))
  const keptFree = () => Math.max(0, downloadTunables.maxRunning - shares().size)
  const hasRoom = (share: string) => {
    if (most === undefined) return true
    return places.size < (shares().has(share) ? most - keptFree() : most)
  }

  return {
    enter(share, end) {
      if (!hasRoom(share)) return undefined
      const place = { share, end }
      places.add(place)
      return () => void places.delete(place)
    },
    limit(limit) {
      most = limit
      const latestFirst = [...places].reverse()
      for (const place of latestFirst) {
        if (most === undefined || places.size <= most - keptFree()) return
        const isOnly = latestFirst.every(other => other === place || other.share !== place.share || !places.has(other))
        if (isOnly) continue
        places.delete(place)
        place.end()
      }
    },
  }
}
