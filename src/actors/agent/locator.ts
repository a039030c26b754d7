// Asks the trackers which peers have a share, whenever its download says so: one look-up at a time, and one more afterwards
// if another was asked for meanwhile. It tells what may pass (no device shares it, the trackers are away) from what will not
// (this user may not have it). A run that begins while the trackers are away begins with the peers of the run before.

import { type CallbackActorLogic, fromCallback } from 'xstate'
import { downloadTunables, ticketTunables } from '../../../config/swarm.ts'
import { showable } from '../../domain/names.ts'
import type { Outcome } from '../../domain/refusal.ts'
import { createRerun } from '../../domain/rerun.ts'
import type { DownloadSpec, LocatorCommand, LocatorEvent } from '../../machines/download-protocol.ts'
import type { TrackerResult } from '../../wire/tracker-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'

type Located = Extract<LocatorEvent, { type: 'swarm.located' }>

/** What the trackers answered last about a download's share; its tickets end some time after `at` (performance.now()). */
export interface LastSwarm {
  readonly located: Located
  readonly at: number
}

export interface LocatorNeeds {
  readonly trackers: Pick<TrackerClient, 'ask'>
  /** By download. Kept over its runs, for as long as this session lasts. */
  readonly lastSwarms: Map<number, LastSwarm>
  /** How long the first look-up of a run waits for the trackers before it goes by the last swarm. Default: the tunable. */
  readonly patienceMs?: number
}

export const createLocator = ({
  trackers,
  lastSwarms,
  patienceMs = downloadTunables.lastSwarmAfterMs,
}: LocatorNeeds): CallbackActorLogic<LocatorCommand, DownloadSpec> =>
  fromCallback<LocatorCommand, DownloadSpec>(({ input: spec, sendBack, receive }) => {
    const { id, group, name } = spec
    let hasEnded = false
    const last = lastSwarms.get(id)
    const isFresh = last !== undefined && performance.now() - last.at < ticketTunables.lifetimeMs
    const late = isFresh ? setTimeout(() => sendBack(last.located), patienceMs) : undefined
    const locate = createRerun(async () => {
      if (hasEnded) return
      const answer = await trackers.ask('swarm.locate', { group, name })
      if (hasEnded) return
      const event = eventOf(answer, spec)
      if (event.type !== 'swarm.unanswered') clearTimeout(late)
      if (event.type === 'swarm.located') lastSwarms.set(id, { located: event, at: performance.now() })
      sendBack(event)
    })
    receive(() => {
      locate()
    })
    return () => {
      hasEnded = true
      clearTimeout(late)
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
