// Looks at the device's folder for who is logged in, whenever something changes there and now and then besides. Says
// `session.found` as long as somebody is, and `session.replaced` once that is not whom the agent works for.

import { watch } from 'node:fs'
import { fromCallback } from 'xstate'
import { agent as tunables } from '../../../config/tunables.ts'
import type { AgentEvent } from '../../machines/agent-session.ts'
import type { Home, Session } from '../home.ts'

/** `current` is the log-in that the agent works with; undefined while it works with none. */
export const createSessionWatch = (home: Home, current: () => Session | undefined) =>
  fromCallback(({ sendBack }) => {
    const tell = (event: AgentEvent) => sendBack(event)
    const look = () => {
      const found = home.session()
      const used = current()
      if (used && found?.credential !== used.credential) tell({ type: 'session.replaced' })
      else if (found) tell({ type: 'session.found' })
    }
    const watcher = watch(home.folder, look)
    // Some file systems cannot be watched; looking now and then is enough there.
    watcher.on('error', () => watcher.close())
    const looking = setInterval(look, tunables.lookForSessionMs)
    look()
    return () => {
      watcher.close()
      clearInterval(looking)
    }
  })
