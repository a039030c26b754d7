// Whether this device's agent runs, and how long to wait for one that does.

import type { Home } from '../actors/device/home.ts'

export async function isAgentRunning(home: Home): Promise<boolean> {
  const { agentIsRunning } = await import('../actors/device/agent-process.ts')
  return agentIsRunning(home)
}

/** For the agent client: wait `ms` for an agent that runs, not at all for one that does not. */
export const patienceWithAgent = (home: Home, ms: number) => async (): Promise<number> =>
  (await isAgentRunning(home)) ? ms : 0
