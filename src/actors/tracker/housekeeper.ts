// Finishes what one command could not decide alone, since a command concerns one aggregate. A deleted account leaves its
// groups, one record each; every tracker looks for what is left to do, when it starts and regularly, so a tracker that dies
// half-way leaves nothing undone, and what two of them do is decided once. It also records the use of devices.

import { randomUUID } from 'node:crypto'
import { deviceTunables, housekeepingTunables } from '../../../config/tracker.ts'
import { account } from '../../domain/account.ts'
import { exitFrom } from '../../domain/account-exit.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { createRerun } from '../../domain/rerun.ts'
import type { EntriesApplied } from '../../machines/tracker.ts'
import { groupEvents, userEvents } from '../../wire/subjects.ts'
import { createCatchUp } from './catch-up.ts'
import { createCommit, type Proposal } from './commit.ts'
import { createQuorum } from './quorum.ts'
import type { TrackerActor, TrackerParts } from './tracker-parts.ts'

/** No client waits for these, and they are right whenever they take effect. */
const always = () => Promise.resolve(true)

const exitOf = ({ projection }: TrackerParts, user: string, group: string): Proposal => ({
  id: randomUUID(),
  subject: groupEvents(group),
  hasInterest: always,
  decide: at => exitFrom(projection.group(group), user, at),
})

const useOf = ({ projection }: TrackerParts, { user, device }: DeviceRef): Proposal => ({
  id: randomUUID(),
  by: { user, device },
  subject: userEvents(user),
  hasInterest: always,
  decide: at =>
    account.decide(
      { type: 'note-use', device, at, everyMs: deviceTunables.recordUseEveryMs },
      projection.account(user),
    ),
})

export const housekeeperActor: TrackerActor<EntriesApplied> =
  parts =>
  ({ receive }) => {
    const { connections, projection, deviceUse, log, brokers } = parts
    const commit = createCommit(parts, createQuorum(connections.sys, brokers), createCatchUp(parts))
    const stopped = new AbortController()

    /** What cannot be recorded now is found again the next time. */
    const record = async (proposal: Proposal) => {
      if (stopped.signal.aborted) return
      const recorded = await commit(proposal)
      if (recorded && !recorded.ok) log.warn({ subject: proposal.subject, code: recorded.code }, recorded.message)
    }
    const work = async () => {
      for (const { user, group } of projection.unfinishedExits()) await record(exitOf(parts, user, group))
      for (const device of deviceUse.take()) await record(useOf(parts, device))
    }
    const run = createRerun(async () => {
      if (!stopped.signal.aborted) await work()
    })
    const start = () =>
      run().catch(err => {
        if (!stopped.signal.aborted) log.error({ err }, 'the housekeeping was interrupted; it is tried again')
      })

    receive(({ entries }) => {
      if (entries.some(({ record }) => record?.events.some(({ type }) => type === 'account.deleted'))) start()
    })
    const regularly = setInterval(start, housekeepingTunables.everyMs)
    start()
    return () => {
      stopped.abort()
      clearInterval(regularly)
    }
  }
