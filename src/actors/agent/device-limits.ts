// The limits set for this device: kept in the library for whichever user is logged in. They apply from the agent's start,
// and a change applies at once, to what is under way as well.

import { limitTunables, peerTunables, uploadTunables } from '../../../config/swarm.ts'
import type { Library } from '../../storage/library.ts'
import type { AgentParams, Limits } from '../../wire/agent-api.ts'
import { type ConnectionCap, createConnectionCap } from '../swarm/connection-cap.ts'
import { createThrottle, type Throttle, type ThrottleClock } from '../swarm/throttle.ts'

export interface DeviceLimits {
  readonly current: Limits
  /** What is left out stays as it is. */
  change(change: AgentParams<'limits.change'>): void
  /** Over all peers that this device serves. */
  readonly serving: Throttle
  /** Over all downloads. */
  readonly fetching: Throttle
  readonly connections: ConnectionCap
  /** How many peers may be served at once. */
  readonly mostServed: number
}

/** With more peers, each would wait so long for its next block that it gave up. One is served in any case. */
const servedUnder = (bytesPerSecond: number) =>
  Math.max(1, Math.floor((bytesPerSecond * limitTunables.servedEveryMs) / 1000 / peerTunables.blockBytes))

export function createDeviceLimits(
  library: Pick<Library, 'limits' | 'saveLimits'>,
  clock?: ThrottleClock,
): DeviceLimits {
  const upload = createThrottle(clock)
  const fetching = createThrottle(clock)
  const connections = createConnectionCap()
  let current = library.limits()

  const apply = () => {
    upload.limit(current.up ?? undefined)
    fetching.limit(current.down ?? undefined)
    connections.limit(current.connections ?? undefined)
  }
  apply()

  return {
    get current() {
      return current
    },
    change(change) {
      const { up = current.up, down = current.down, connections = current.connections } = change
      library.saveLimits({ up, down, connections })
      current = { up, down, connections }
      apply()
    },
    serving: upload,
    fetching,
    connections,
    get mostServed() {
      return Math.min(
        current.connections ?? uploadTunables.maxSessions,
        current.up === null ? uploadTunables.maxSessions : servedUnder(current.up),
      )
    },
  }
}
