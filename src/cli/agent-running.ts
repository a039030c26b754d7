// Whether this device's agent runs. Loads SQLite only when it is asked.

import type { Home } from '../actors/device/home.ts'

export async function isAgentRunning(home: Home): Promise<boolean> {
  const { agentIsRunning } = await import('../actors/device/agent-process.ts')
  return agentIsRunning(home)
}
