// Asks the trackers where the pieces of one share are, whenever its download says so; one question at a time, and one
// more afterwards if it was asked again meanwhile. It tells what may pass (nobody shares it, trackers are away) from
// what will not (we may not have it).

import { type CallbackActorLogic, fromCallback } from 'xstate'
import type { DownloadSpec, LocatorCommand, LocatorEvent } from '../../machines/download-protocol.ts'
import type { TrackerClient } from '../client/tracker-client.ts'

export const createLocator = (trackers: TrackerClient): CallbackActorLogic<LocatorCommand, DownloadSpec> =>
  fromCallback<LocatorCommand, DownloadSpec>(({ input: { group, name, share }, sendBack, receive }) => {
    let isAsking = false
    let isWantedAgain = false
    let hasEnded = false
    const tell = (event: LocatorEvent) => {
      if (!hasEnded) sendBack(event)
    }

    const ask = async () => {
      isAsking = true
      const answer = await trackers.ask('swarm.locate', { group, name })
      isAsking = false
      if (isWantedAgain && !hasEnded) {
        isWantedAgain = false
        ask()
      }
      if (answer.ok && answer.value.share === share) {
        const { peers, sharers } = answer.value
        return tell({ type: 'swarm.located', peers, sharers })
      }
      const absent = `nobody shares ${name} with ${group} any more; this goes on when somebody does`
      if (answer.ok) return tell({ type: 'swarm.absent', code: 'no-such-file', message: absent })
      const { code, message } = answer
      if (code === 'no-such-file') tell({ type: 'swarm.absent', code, message: absent })
      else if (code === 'not-member' || code === 'no-such-group') tell({ type: 'swarm.refused', code, message })
      else tell({ type: 'swarm.unanswered', code, message })
    }
    receive(() => {
      if (isAsking) isWantedAgain = true
      else ask()
    })
    return () => {
      hasEnded = true
    }
  })
