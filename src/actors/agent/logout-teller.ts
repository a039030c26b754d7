// Tells the trackers of log-ins that ended here while they were out of reach (client/owed-logouts.ts), as soon as they can
// be reached. It never ends by itself.

import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import { logoutTunables } from '../../../config/client.ts'
import { unlessBusy } from '../../domain/unless-busy.ts'
import { tellOwedLogouts } from '../client/owed-logouts.ts'
import type { Home } from '../device/home.ts'

/** `servers`: the brokers to try now. */
export const createLogoutTeller = (
  home: Home,
  servers: () => readonly string[],
  log: Logger,
  everyMs: number = logoutTunables.tellEveryMs,
) =>
  fromCallback(() => {
    const tell = unlessBusy(async () => {
      try {
        const owed = home.owedLogouts().length
        if (owed > 0 && (await tellOwedLogouts(home, servers()))) log.info({ owed }, 'the trackers revoked old log-ins')
      } catch (error) {
        log.warn({ err: error }, 'the trackers could not be told of a log-out; it is tried again')
      }
    })
    const telling = setInterval(tell, everyMs)
    tell()
    return () => clearInterval(telling)
  })
