// Caps the connections that the downloads of this device have open at once. Every running download can have one: a place
// stays free for each download that could still start, so a download with many peers never shuts out another. Lowering
// the cap ends the surplus, latest first.

import { downloadTunables } from '../../../config/swarm.ts'

export interface ConnectionCap {
  /** Returns a function that gives the place back; undefined when there is no room. `end` is called once if the place is lost. */
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
