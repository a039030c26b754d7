// What watchers are shown of each machine's context: the numbers and names listed here and nothing else, so that a
// ticket, a credential or a path that is added to a context never leaves the process.

import type { AnyStateMachine, ContextFrom } from 'xstate'
import { agentSessionMachine } from '../../machines/agent-session.ts'
import { downloadMachine } from '../../machines/download.ts'
import { downloadQueueMachine } from '../../machines/download-queue.ts'
import { downloadSessionMachine } from '../../machines/download-session.ts'
import { sessionServicesMachine } from '../../machines/session-services.ts'
import { trackerMachine } from '../../machines/tracker.ts'
import { uploadsMachine } from '../../machines/uploads.ts'
import type { InspectedActor } from '../../wire/inspected-actor.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'

type Summary = InspectedActor['context']

const summaries = new Map<string, (context: never) => Summary>()

function summarize<M extends AnyStateMachine>({ id }: M, summary: (context: ContextFrom<M>) => Summary): void {
  summaries.set(id, summary)
}

summarize(agentSessionMachine, ({ failures, isStopping, isOver }) => ({
  failures,
  stopping: isStopping,
  'log-in is over': isOver,
}))

summarize(sessionServicesMachine, ({ listen, revocations, isRevoked }) => ({
  port: listen.port,
  revocations: revocations.size,
  revoked: isRevoked,
}))

summarize(downloadQueueMachine, ({ waiting, running }) => ({ waiting: waiting.length, running: running.size }))

summarize(downloadMachine, ({ spec, ledger, ending, problem }) => ({
  download: spec.id,
  group: spec.group,
  name: spec.name.slice(0, 200),
  pieces: ledger.have?.length ?? 0,
  verified: ledger.have?.count ?? 0,
  missing: ledger.picker?.missing ?? null,
  'in flight': ledger.picker?.inFlight ?? 0,
  checking: ledger.checking,
  'asked ahead': ledger.window?.pieces ?? null,
  sessions: ledger.sessions.size,
  dropped: ledger.dropped.size,
  endgame: ledger.picker?.isEndgame ?? false,
  'fetched bytes': ledger.fetchedBytes,
  ending: ending ?? null,
  problem: problem?.code ?? null,
}))

summarize(downloadSessionMachine, ({ peer, via, wanted, failures }) => ({
  user: peer.user,
  device: peer.device,
  via,
  wanted: wanted.size,
  failures,
  'has all': peer.complete,
}))

summarize(uploadsMachine, ({ offers, sessions, mostSessions, servedBytes, revocations }) => ({
  offers: offers.size,
  sessions: sessions.size,
  'most sessions': mostSessions,
  'served bytes': servedBytes,
  revocations: revocations.size,
}))

summarize(trackerMachine, ({ failures }) =>
  Object.fromEntries(Object.entries(failures).map(([step, times]) => [`failures of ${step}`, times])),
)

/** Of at most `inspectionBounds.contextEntries` entries; empty for a machine that is not listed. */
export function contextSummary(machineId: string, context: unknown): Summary {
  const entries = Object.entries(summaries.get(machineId)?.(context as never) ?? {})
  return Object.fromEntries(entries.slice(0, inspectionBounds.contextEntries))
}
