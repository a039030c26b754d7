// Looks at the device's folder for who is logged in, whenever something changes there and now and then besides. Says
// `session.found` as long as somebody is, and `session.replaced` once that is not whom the agent works for.

import { type FSWatcher, watch } from 'node:fs'
import { fromCallback } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import type { AgentEvent } from '../../machines/agent-session.ts'
import type { Home, Session } from '../device/home.ts'

/** `current` is the log-in that the agent works with; undefined while it works with none. */
export const createSessionWatch = (home: Home, current: () => Session | undefined) =>
  fromCallback(({ sendBack }) => {
    const tell = (event: AgentEvent) => sendBack(event)
    const lookIfReadable = () => {
      try {
        return home.session()
      } catch {
        // Who is logged in does not change because the disk fails; the next look tells.
        return 'unreadable'
      }
    }
    const look = () => {
      const found = lookIfReadable()
      if (found === 'unreadable') return
      const used = current()
      if (used && found?.credential !== used.credential) tell({ type: 'session.replaced' })
      else if (found) tell({ type: 'session.found' })
    }
    // Some file systems cannot be watched, and some systems have no watches left; looking now and then is enough there.
    const watcher = tryToWatch(home.folder, look)
    watcher?.on('error', () => watcher.close())
    const looking = setInterval(look, agentTunables.lookForSessionMs)
    look()
    return () => {
      watcher?.close()
      clearInterval(looking)
    }
  })

function tryToWatch(folder: string, look: () => void): FSWatcher | undefined {
  try {
    return watch(folder, look)
  } catch {
    return undefined
  }
}
