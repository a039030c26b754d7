// Asks the trackers which peers have a share, whenever its download says so: one look-up at a time, and one more afterwards
// if another was asked for meanwhile. It tells what may pass (no device shares it, the trackers are away) from what will not
// (this user may not have it).

import { type CallbackActorLogic, fromCallback } from 'xstate'
import { showable } from '../../domain/names.ts'
import type { Outcome } from '../../domain/refusal.ts'
import { createRerun } from '../../domain/rerun.ts'
import type { DownloadSpec, LocatorCommand, LocatorEvent } from '../../machines/download-protocol.ts'
import type { TrackerResult } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'

export const createLocator = (trackers: Pick<TrackerClient, 'ask'>): CallbackActorLogic<LocatorCommand, DownloadSpec> =>
  fromCallback<LocatorCommand, DownloadSpec>(({ input: spec, sendBack, receive }) => {
    const { group, name } = spec
    let hasEnded = false
    const locate = createRerun(async () => {
      if (hasEnded) return
      const answer = await trackers.ask('swarm.locate', { group, name })
      if (!hasEnded) sendBack(eventOf(answer, spec))
    })
    receive(() => {
      locate()
    })
    return () => {
      hasEnded = true
    }
  })

function eventOf(answer: Outcome<TrackerResult<'swarm.locate'>>, { group, name, share }: DownloadSpec): LocatorEvent {
  if (answer.ok && answer.value.share === share) {
    const { peers, sharers } = answer.value
    return { type: 'swarm.located', peers, sharers }
  }
  // The name may lead to a newer version by now.
  if (answer.ok || answer.code === 'no-such-file') {
    const message = `no device shares ${showable(name)} with ${group} any more; the download continues when one does`
    return { type: 'swarm.absent', code: 'no-such-file', message }
  }
  const { code, message } = answer
  const isFinal = code === 'not-member' || code === 'no-such-group'
  return { type: isFinal ? 'swarm.refused' : 'swarm.unanswered', code, message }
}
