// Every method that adds nothing to the log, put together from the modules that answer it.

import { createAgentQueries } from './agent-queries.ts'
import { createDeviceQueries } from './device-queries.ts'
import { createGroupQueries } from './group-queries.ts'
import { createIntroductions } from './introductions.ts'
import type { Queries } from './queries.ts'
import { createSwarmQueries } from './swarm-queries.ts'
import type { TrackerParts } from './tracker-parts.ts'

export const createQueries = (
  parts: Pick<TrackerParts, 'projection' | 'online' | 'secrets' | 'connections'>,
): Queries => ({
  ...createGroupQueries(parts),
  ...createSwarmQueries(parts),
  ...createIntroductions(parts),
  ...createAgentQueries(parts),
  ...createDeviceQueries(parts),
})
