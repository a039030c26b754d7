// Every machine that runs, as it is defined: what is drawn, exported and watched comes from this list.

import type { AnyStateMachine } from 'xstate'
import { agentSessionMachine } from './agent-session.ts'
import { downloadMachine } from './download.ts'
import { downloadQueueMachine } from './download-queue.ts'
import { householdMachine } from './household.ts'
import { peerLinkMachine } from './peer-link.ts'
import { servingDeskMachine } from './serving-desk.ts'
import { trackerLife } from './tracker-life.ts'

export const allMachines: readonly AnyStateMachine[] = [
  agentSessionMachine,
  householdMachine,
  downloadQueueMachine,
  downloadMachine,
  peerLinkMachine,
  servingDeskMachine,
  trackerLife,
]
