// Every machine's definition. What is drawn, exported and watched comes from this list.

import type { AnyStateMachine } from 'xstate'
import { agentSessionMachine } from './agent-session.ts'
import { downloadMachine } from './download.ts'
import { downloadQueueMachine } from './download-queue.ts'
import { downloadSessionMachine } from './download-session.ts'
import { sessionServicesMachine } from './session-services.ts'
import { trackerMachine } from './tracker.ts'
import { uploadsMachine } from './uploads.ts'

export const allMachines: readonly AnyStateMachine[] = [
  agentSessionMachine,
  sessionServicesMachine,
  downloadQueueMachine,
  downloadMachine,
  downloadSessionMachine,
  uploadsMachine,
  trackerMachine,
]
