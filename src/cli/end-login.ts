// Ends the log-in of this device: at once here, and at the trackers as soon as they can be reached. The agent lets go of it
// first, so that nothing is shared or fetched in its name any more.

import { setTimeout as delay } from 'node:timers/promises'
import { logoutTunables } from '../../config/client.ts'
import type { Session } from '../actors/device/home.ts'
import { isAgentRunning } from './agent-running.ts'
import { askAgent } from './ask.ts'
import type { Context } from './context.ts'

export interface EndedLogin {
  readonly user: string
  /** Whether the trackers have revoked it. */
  readonly trackers: 'told' | 'later'
  readonly agent: 'running' | 'stopped'
}

/** `session` is the device's. Throws HomeFailed, and the device stays logged in, when the disk does not take it. */
export async function endLogin(context: Context, session: Session): Promise<EndedLogin> {
  const { home, display } = context
  // From here on the trackers will be told, even if this process is killed.
  home.endSession(session)
  const released = await askAgent(context, 'logout', {})
  const isRunning = released.ok || (await isAgentRunning(home))
  if (!released.ok && isRunning) display.note(`${released.message}; until then it may go on sharing and downloading`)
  // An agent that could not reach a broker says so, and there is no need to find out again.
  if (!released.ok || released.value.wasOnline) {
    // Loads NATS.
    const { tellOwedLogouts } = await import('../actors/client/owed-logouts.ts')
    const telling = tellOwedLogouts(home, context.servers).catch(() => {})
    await Promise.race([telling, delay(logoutTunables.tellWithinMs, undefined, { ref: false })])
  }
  await context.disconnect()
  const isOwed = home.owedLogouts().some(({ credential }) => credential === session.credential)
  return { user: session.user, trackers: isOwed ? 'later' : 'told', agent: isRunning ? 'running' : 'stopped' }
}
