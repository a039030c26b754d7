// The downloads of the person who is logged in: what the command line may do with them, and how they look. Those at
// rest are records of the library (inactive-downloads.ts); the others are with the queue (machines/download-queue.ts),
// which runs them.

import { lstat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import { performance } from 'node:perf_hooks'
import type { Logger } from 'pino'
import { inspectionTunables } from '../../../config/inspection.ts'
import { checkManifest, shareId } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { type DownloadSnapshot, downloadMachine } from '../../machines/download.ts'
import type { DownloadInput } from '../../machines/download-protocol.ts'
import { downloadQueueMachine } from '../../machines/download-queue.ts'
import { DownloadQueuePort } from '../../machines/download-queue-port.ts'
import type { Library } from '../../storage/library.ts'
import type { DownloadRecord } from '../../storage/library-downloads.ts'
import { isClaim, openPieceFile } from '../../storage/piece-file.ts'
import { checkFreeSpace, checkWritable, storageRefusal } from '../../storage/storage-refusal.ts'
import type { AgentParams, DownloadView, Limits } from '../../wire/agent-api.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { provideDownloadSession } from '../swarm/download-session.ts'
import type { PeerConnectionNeeds } from '../swarm/peer-connection.ts'
import { destinationExists, inspectDestination, resolveDestination } from './destination.ts'
import { createDownloadStore } from './download-store.ts'
import { isInactive, viewOfRun } from './download-view.ts'
import { createInactiveDownloads } from './inactive-downloads.ts'
import { type InspectableDownload, noLimits, showDownload, showEnded } from './inspectable-download.ts'
import { createLocator } from './locator.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'

/** Of one run of a download. */
type RunContext = DownloadSnapshot['context']

export interface DownloadsNeeds {
  readonly user: string
  readonly library: Library
  readonly trackers: TrackerClient
  readonly offers: OfferTable
  readonly shareRegistry: Pick<ShareRegistry, 'adopt'>
  readonly peers: PeerConnectionNeeds
  readonly log: Logger
}

export interface Downloads {
  /** The queue with its actors provided; it begins with what the library has under way. */
  readonly logic: typeof downloadQueueMachine
  add(params: AgentParams<'download'>): Promise<Outcome<DownloadView>>
  pause(id: number): Promise<Outcome<DownloadView>>
  resume(id: number): Promise<Outcome<DownloadView>>
  cancel(id: number): Promise<Outcome<DownloadView>>
  /** Undefined when this person has none of that number here. */
  view(id: number): DownloadView | undefined
  views(): DownloadView[]
  /** Under way: neither at rest nor waiting. */
  readonly running: number
  /** Nothing more is written down: the next session's downloads are not these. */
  close(): void
  /** Those that run, for whoever watches. */
  shown(limits: Limits): InspectableDownload[]
  /** Everybody that running downloads are connected to. */
  connectedPeers(): string[]
}

const partOf = (path: string) => `${path}.part`

/** What the file system has against it is a refusal. */
const attempt = <T>(action: () => Promise<T>, path: string): Promise<Outcome<T>> =>
  action().then(done, error => storageRefusal(error, path))

const noSuchDownload = (id: number) =>
  refuse('no-such-download', `there is no download ${id} on this device; see shoal downloads`)
const hasCompleted = ({ id, path }: Pick<DownloadView, 'id' | 'path'>) =>
  refuse('not-running', `download ${id} has completed: ${showable(path)}`)
const hasFailed = ({ id, error }: Pick<DownloadView, 'id' | 'error'>) =>
  refuse('not-running', `download ${id} failed just then${error ? `: ${error.message}` : ''}`)
const sharesPart = ({ id, destination, part }: DownloadRecord, path: string) =>
  refuse(
    'destination-exists',
    part === path
      ? `download ${id} keeps its pieces in ${showable(path)} until it is whole; choose another destination, or cancel it first`
      : `download ${id} goes to ${showable(destination)}, where this one would keep its pieces; choose another destination, or cancel it first`,
  )
const notNow = () =>
  refuse('unreachable', 'the agent is just starting its downloads, or putting them to rest; try again in a moment')

export function createDownloads(needs: DownloadsNeeds): Downloads {
  const { user, library, trackers } = needs
  const resting = createInactiveDownloads(user, library, needs.log)
  const queue = new DownloadQueuePort()

  const inputOf = (record: DownloadRecord): DownloadInput => {
    const { id, group, name, share, manifest, destination, overwrite, seconds, fetchedBytes, deliveries } = record
    return {
      spec: { id, group, name, share, manifest, path: destination, overwrite },
      spent: { seconds, fetchedBytes, deliveries },
      now: () => performance.now(),
      running: () => Math.max(1, queue.running),
    }
  }

  /** What runs came to, the latest last: whoever watches sees the last piece arrive, and from whom each came. */
  const ended = new Map<number, InspectableDownload>()
  const keepEnded = (context: RunContext) => {
    const { id } = context.spec
    ended.delete(id)
    ended.set(id, showDownload({ view: view(id)!, context, actor: null, limits: noLimits, connections: 0 }))
    if (ended.size > inspectionTunables.keptEndedDownloads) ended.delete(ended.keys().next().value!)
  }

  const logic = downloadQueueMachine.provide({
    actors: {
      download: downloadMachine.provide({
        actors: {
          store: createDownloadStore(needs),
          locator: createLocator(trackers),
          downloadSession: provideDownloadSession(needs.peers),
        },
        actions: {
          recordEnding: ({ context }, output) => {
            resting.recordEnding(context.spec.id, output, context.now() - context.startedAtMs)
            keepEnded(context)
          },
        },
      }),
    },
    actions: {
      attach: ({ self }) => queue.attach(self),
      recordEnding: (_, { id, ...ended }) => resting.recordEnding(id, ended, 0),
      enqueueUnfinished: ({ self }) => {
        for (const record of library.downloads(user))
          if (record.state === 'queued') self.send({ type: 'download.enqueue', download: inputOf(record) })
      },
    },
  })

  const runOf = (id: number) => queue.run(id)?.snapshot

  /** Those at rest that are being given up: how they looked, until their part files are gone. Nothing may begin with them. */
  const leaving = new Map<number, { readonly looked: DownloadView; readonly gone: Promise<Outcome<DownloadView>> }>()

  const view = (id: number): DownloadView | undefined => {
    const left = leaving.get(id)
    if (left) return left.looked
    const recorded = resting.view(id)
    if (!recorded || isInactive(recorded.state)) return recorded
    const run = runOf(id)
    return run ? viewOfRun(run, recorded) : recorded
  }

  const start = (queued: () => DownloadRecord): Outcome<DownloadView> => {
    if (!queue.isOpen) return notNow()
    const record = queued()
    queue.send({ type: 'download.enqueue', download: inputOf(record) })
    return done(view(record.id)!)
  }

  /** How its run ends is decided and not done yet, or it is being given up: what it comes to is to be awaited. */
  const isSettling = (id: number) => leaving.has(id) || runOf(id)?.context.ending !== undefined
  const settled = (id: number): Promise<unknown> => leaving.get(id)?.gone ?? queue.runEnded(id)

  /** Asks the queue, and resolves once the download rests. */
  const putToRest = async (id: number, state: 'paused' | 'cancelled'): Promise<Outcome<DownloadView>> => {
    if (!queue.isOpen) return notNow()
    queue.send({ type: state === 'paused' ? 'download.pause' : 'download.cancel', id })
    await queue.left(id)
    const rests = resting.view(id)!
    if (rests.state === state) return done(rests)
    // It ended by itself in this moment, or the agent leaves, and nothing is as it was asked for.
    if (rests.state === 'completed') return hasCompleted(rests)
    return rests.state === 'failed' ? hasFailed(rests) : notNow()
  }

  /** Of a download that rests. */
  const discardPart = async ({ part, madePart, destination, manifest }: DownloadRecord): Promise<Outcome<void>> => {
    if (await isClaim(destination).catch(() => false)) await unlink(destination).catch(() => {})
    if (!madePart || !(await lstat(part).catch(() => undefined))) return done(undefined)
    const opened = await openPieceFile(part, manifest, 'resume')
    return opened.ok ? attempt(opened.value.discard, part) : opened
  }

  /** One that waits, or rests. Its part file goes before its claim on the path does, and no run would see to that. */
  const giveUp = async (id: number, state: DownloadView['state']): Promise<Outcome<DownloadView>> => {
    if (state === 'queued') {
      const rests = await putToRest(id, 'paused')
      if (!rests.ok) return rests
    }
    const discarded = await discardPart(library.download(id)!)
    if (!discarded.ok) return discarded
    resting.recordEnding(id, { ending: 'cancelled', problem: undefined }, 0)
    return done(resting.view(id)!)
  }

  const unfinished = () => library.downloads(user).filter(({ state }) => state !== 'completed' && state !== 'cancelled')

  /** When a download that is not done with that path has it already: the same file joins it, another is refused. */
  const joinClaimant = (path: string, share: string, overwrite: boolean): Outcome<DownloadView> | undefined => {
    const claimants = unfinished()
    const other = claimants.find(({ destination }) => destination === path)
    if (!other) {
      const neighbour = claimants.find(({ destination, part }) => part === path || destination === partOf(path))
      return neighbour && sharesPart(neighbour, path)
    }
    const { id, state } = other
    if (other.share !== share)
      return refuse('destination-exists', `download ${id} goes to ${showable(path)}; cancel it first`)
    if (leaving.has(id))
      return refuse('destination-exists', `download ${id} to ${showable(path)} is being cancelled; try again`)
    if (!isInactive(state)) return done(view(id)!)
    if (overwrite) library.changeDownload(id, { overwrite })
    return start(() => resting.enqueue(id))
  }

  const connectedPeers = () =>
    resting.ids().flatMap(id => {
      const links = runOf(id)?.context.ledger.links ?? new Map()
      return [...links].filter(([, link]) => link.state === 'ready').map(([peer]) => peer)
    })

  return {
    logic,
    view,
    connectedPeers,
    views: () => resting.ids().map(id => view(id)!),
    get running() {
      return queue.running
    },
    shown(limits) {
      const connections = connectedPeers().length
      const shown = new Map<number, InspectableDownload>()
      for (const [id, last] of ended) shown.set(id, showEnded(last, view(id)!, limits))
      for (const { actor, snapshot } of queue.runs()) {
        const { context } = snapshot
        const now = view(context.spec.id)
        if (now && !isInactive(now.state))
          shown.set(now.id, showDownload({ view: now, context, actor, limits, connections }))
      }
      return [...shown.values()]
    },

    async add({ group, name, destination, overwrite }) {
      const path = await resolveDestination(destination, name)
      if (!path.ok) return path
      const swarm = await trackers.ask('swarm.locate', { group, name })
      if (!swarm.ok) return swarm
      const { share, manifest } = swarm.value
      const checked = checkManifest(manifest)
      if (!checked.ok) return checked
      if (shareId(group, manifest) !== share || manifest.name !== name)
        return refuse('integrity', `the trackers' description of ${name} contradicts itself; it was not downloaded`)

      for (const { id, destination } of unfinished())
        if (destination === path.value) while (isSettling(id)) await settled(id)
      const claimed = () => joinClaimant(path.value, share, overwrite)
      const before = claimed()
      if (before) return before
      const part = partOf(path.value)
      if (await lstat(part).catch(() => undefined))
        return refuse('destination-exists', `${showable(part)} exists: left over, or another program's; remove it`)
      const looked = await attempt(() => inspectDestination(path.value, manifest), path.value)
      if (!looked.ok) return looked
      const there = looked.value.kind
      if (there === 'other' && !overwrite) return destinationExists(path.value)
      // What is to be replaced keeps its room until all of the new file is there.
      const isToFetch = there !== 'same'
      const writable = isToFetch ? await checkWritable(dirname(path.value)) : done(undefined)
      if (!writable.ok) return writable
      const space = isToFetch ? await checkFreeSpace(dirname(path.value), manifest.size) : done(undefined)
      if (!space.ok) return space
      // Somebody may have asked for the same meanwhile; from here on nothing waits.
      const meanwhile = claimed()
      if (meanwhile) return meanwhile

      return start(() =>
        resting.create({
          user,
          group,
          name,
          share,
          manifest,
          destination: path.value,
          part,
          overwrite,
          createdAt: Date.now(),
        }),
      )
    },

    close: resting.close,

    async pause(id) {
      while (isSettling(id)) await settled(id)
      const now = view(id)
      if (!now) return noSuchDownload(id)
      if (now.state === 'paused') return done(now)
      if (isInactive(now.state))
        return refuse('not-running', `download ${id} is ${now.state}; there is nothing to pause`)
      return putToRest(id, 'paused')
    },

    async resume(id) {
      while (isSettling(id)) await settled(id)
      const now = view(id)
      if (!now) return noSuchDownload(id)
      if (now.state === 'cancelled')
        return refuse('not-running', `download ${id} was cancelled; download ${now.name} again`)
      if (now.state === 'completed') return hasCompleted(now)
      return now.state === 'paused' || now.state === 'failed' ? start(() => resting.enqueue(id)) : done(now)
    },

    async cancel(id) {
      while (isSettling(id)) await settled(id)
      const now = view(id)
      if (!now) return noSuchDownload(id)
      if (now.state === 'cancelled') return done(now)
      if (now.state === 'completed') return hasCompleted(now)
      if (now.state !== 'queued' && !isInactive(now.state)) return putToRest(id, 'cancelled')
      const gone = giveUp(id, now.state).finally(() => leaving.delete(id))
      leaving.set(id, { looked: now, gone })
      return gone
    },
  }
}
