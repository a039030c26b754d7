// Log-ins that ended on this device while the trackers could not be told. Until they are, their credentials are kept in the
// home: revoking one takes the credential itself. A later log-in of the same user on this device replaces the one before,
// for the trackers too, and settles it.

import { credentialHashOf } from '../../domain/account.ts'
import type { Home } from '../device/home.ts'
import { connectSession } from './connect-session.ts'
import { createTrackerClient } from './tracker-client.ts'

type LogoutHome = Pick<Home, 'owedLogouts' | 'settleLogout' | 'trust'>

/** Tells the trackers of each. False when some are still owed. Throws HomeFailed. */
export async function tellOwedLogouts(home: LogoutHome, servers: readonly string[]): Promise<boolean> {
  for (const login of home.owedLogouts()) {
    const connected = await connectSession(servers, login, home.trust)
    if (connected === 'away') return false
    if (connected !== 'revoked') {
      try {
        // A log-in since then has another credential, and goes on.
        const params = { credentialHash: credentialHashOf(login.credential) }
        const answer = await createTrackerClient(connected, login).ask('device.logout', params)
        if (!answer.ok && answer.code !== 'not-logged-in') return false
      } finally {
        await connected.close()
      }
    }
    home.settleLogout(login)
  }
  return true
}
