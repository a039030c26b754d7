// Watches the device's folder for its login, and reads it regularly as well. Sends `session.found` while there is one, and
// `session.replaced` once it is not the one that the agent uses.

import { type FSWatcher, watch } from 'node:fs'
import { fromCallback } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import type { AgentEvent } from '../../machines/agent-session.ts'
import type { Home, Session } from '../device/home.ts'

/** `current` is the login that the agent uses; undefined while it uses none. */
export const createSessionWatch = (home: Home, current: () => Session | undefined) =>
  fromCallback(({ sendBack }) => {
    const tell = (event: AgentEvent) => sendBack(event)
    const readLogin = () => {
      try {
        return home.session()
      } catch {
        // A disk that fails does not change who is logged in; the next attempt tells.
        return 'unreadable'
      }
    }
    const check = () => {
      const found = readLogin()
      if (found === 'unreadable') return
      const used = current()
      if (used && found?.credential !== used.credential) tell({ type: 'session.replaced' })
      else if (found) tell({ type: 'session.found' })
    }
    // Some file systems cannot be watched, and some systems have no watches left; reading regularly is enough there.
    const watcher = tryToWatch(home.folder, check)
    watcher?.on('error', () => watcher.close())
    const checking = setInterval(check, agentTunables.lookForSessionMs)
    check()
    return () => {
      watcher?.close()
      clearInterval(checking)
    }
  })

function tryToWatch(folder: string, onChange: () => void): FSWatcher | undefined {
  try {
    return watch(folder, onChange)
  } catch {
    return undefined
  }
}
