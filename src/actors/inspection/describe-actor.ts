// One actor as watchers see it: its state, and of its context only what is named here. Whatever is added to a context
// stays unseen until it is named: tickets, credentials and paths never are.

import type { AnyActorRef } from 'xstate'
import { showable } from '../../domain/names.ts'
import type { DownloadSnapshot } from '../../machines/download.ts'
import { type InspectedActor, inspectionBounds } from '../../wire/inspection.ts'

type Summary = InspectedActor['context']
// biome-ignore lint/suspicious/noExplicitAny: each is handed the context of its own machine
type Describe = (context: any) => Summary

const count = (of: { readonly size?: number; readonly length?: number } | undefined) => of?.size ?? of?.length ?? 0

const describeDownload = ({ spec, ledger, ending, problem }: DownloadSnapshot['context']): Summary => ({
  download: spec.id,
  group: spec.group,
  name: spec.name.slice(0, 200),
  pieces: ledger.have?.length ?? 0,
  verified: ledger.have?.count ?? 0,
  missing: ledger.picker?.missing ?? null,
  'in flight': ledger.picker?.inFlight ?? 0,
  checking: ledger.checking,
  'asked ahead': ledger.window?.pieces ?? null,
  links: ledger.links.size,
  dropped: ledger.dropped.size,
  endgame: ledger.picker?.isEndgame ?? false,
  'fetched bytes': ledger.fetchedBytes,
  ending: ending ?? null,
  problem: problem?.code ?? null,
})

const contexts: Readonly<Record<string, Describe>> = {
  agent: ({ failures, isStopping, isOver }) => ({ failures, stopping: isStopping, 'log-in is over': isOver }),
  services: ({ listen, revocations, isRevoked }) => ({
    port: listen.port,
    revocations: count(revocations),
    revoked: isRevoked,
  }),
  'download-queue': ({ waiting, running }) => ({ waiting: count(waiting), running: count(running) }),
  download: describeDownload,
  downloadSession: ({ peer, via, wanted, failures }) => ({
    user: peer.user,
    device: peer.device,
    via,
    wanted: count(wanted),
    failures,
    'has all': peer.complete,
  }),
  uploads: ({ offers, links, mostLinks, servedBytes, revocations }) => ({
    offers: count(offers),
    links: count(links),
    'most links': mostLinks,
    'served bytes': servedBytes,
    revocations: count(revocations),
  }),
  tracker: ({ failures }) =>
    Object.fromEntries(Object.entries(failures).map(([step, times]) => [`failures of ${step}`, Number(times)])),
}

/** An error's words, for people: without the paths in them. */
export const errorText = (error: unknown): string =>
  showable(error instanceof Error ? error.message : String(error))
    .replaceAll(/(?:\/[^\s/:'"]+){2,}/g, '(a path)')
    .slice(0, 300)

export const idOf = (actor: { readonly sessionId: string }): string => actor.sessionId.slice(0, 40)

const machineOf = (actor: AnyActorRef): string | null => {
  const { logic } = actor as unknown as { logic?: { readonly id?: string; readonly __xstatenode?: boolean } }
  return logic?.__xstatenode ? String(logic.id).slice(0, 100) : null
}

/** One that was given no id is called by its place in the definition; what it runs says more. */
function nameOf(actor: AnyActorRef, machine: string | null): string {
  if (!actor._parent) return machine ?? actor.id
  const { src } = actor as unknown as { src?: unknown }
  return /^\d+\./.test(actor.id) && typeof src === 'string' ? src : actor.id
}

export function describeActor(actor: AnyActorRef): InspectedActor {
  const machine = machineOf(actor)
  const snapshot = actor.getSnapshot() as {
    status: InspectedActor['status']
    value?: InspectedActor['state']
    context?: unknown
    error?: unknown
  }
  const describe = machine === null ? undefined : contexts[machine]
  const summary = describe && snapshot.context ? Object.entries(describe(snapshot.context)) : []
  return {
    id: idOf(actor),
    parent: actor._parent ? idOf(actor._parent) : null,
    name: nameOf(actor, machine).slice(0, 200),
    // XState does not tell a callback from a promise.
    kind: machine === null ? 'other' : 'machine',
    machine,
    status: snapshot.status,
    state: machine === null ? null : (snapshot.value ?? null),
    context: Object.fromEntries(summary.slice(0, inspectionBounds.contextEntries)),
    error: snapshot.error === undefined ? null : errorText(snapshot.error),
    at: Date.now(),
  }
}

/** It and all below it, parents first. */
export function familyOf(actor: AnyActorRef): AnyActorRef[] {
  const { children = {} } = actor.getSnapshot() as { children?: Record<string, AnyActorRef | undefined> }
  return [actor, ...Object.values(children).flatMap(child => (child ? familyOf(child) : []))]
}
