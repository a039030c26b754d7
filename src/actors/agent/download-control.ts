// What a user may do with a download that exists: look at it, pause, resume or cancel it. A run ends through the queue; a
// download that does not run is cancelled here, its part file first. A command waits for an ending that is under way. Without
// a queue nothing runs, and what is asked for is recorded: the next queue begins with it.

import { showable } from '../../domain/names.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import type { DownloadQueuePort } from '../../machines/download-queue-port.ts'
import type { DownloadRecord, LibraryDownloads } from '../../storage/library-downloads.ts'
import type { DownloadState, DownloadView } from '../../wire/agent-api.ts'
import { downloadInputOf } from './download-input.ts'
import { isInactive, viewOfRun } from './download-view.ts'
import type { InactiveDownloads } from './inactive-downloads.ts'
import { discardFiles } from './own-part-file.ts'

const noSuchDownload = (id: number): Refusal =>
  refuse('no-such-download', `there is no download ${id} on this device; see shoal downloads`)
const notRunning = (id: number, why: string): Refusal => refuse('not-running', `download ${id} ${why}`)
const hasCompleted = ({ id, path }: DownloadView): Refusal => notRunning(id, `has completed: ${showable(path)}`)
const hasFailed = ({ id, error }: DownloadView): Refusal =>
  notRunning(id, `has just failed${error ? `: ${error.message}` : ''}`)
const tryAgain = (): Refusal =>
  refuse('unreachable', 'the agent is starting or stopping its downloads; try again in a moment')

export interface DownloadControlNeeds {
  readonly library: Pick<LibraryDownloads, 'download'>
  readonly inactive: InactiveDownloads
  /** Undefined while this device is not connected. */
  readonly queue: DownloadQueuePort | undefined
}

/** A cancellation of a download that does not run. */
interface Cancellation {
  /** How the download is shown until its files are gone. */
  readonly view: DownloadView
  readonly done: Promise<Outcome<DownloadView>>
}

export class DownloadControl {
  readonly #needs: DownloadControlNeeds
  readonly #cancellations = new Map<number, Cancellation>()

  constructor(needs: DownloadControlNeeds) {
    this.#needs = needs
  }

  /** Undefined when this user has no such download here. */
  view(id: number): DownloadView | undefined {
    const cancelled = this.#cancellations.get(id)
    if (cancelled) return cancelled.view
    const recorded = this.#needs.inactive.view(id)
    if (!recorded || isInactive(recorded.state)) return recorded
    const run = this.#needs.queue?.run(id)
    return run ? viewOfRun(run.snapshot, recorded) : recorded
  }

  /** In the order in which they were created. */
  views(): DownloadView[] {
    return this.#needs.inactive.ids().map(id => this.view(id)!)
  }

  isBeingCancelled(id: number): boolean {
    return this.#cancellations.has(id)
  }

  /** An ending of it is under way: how it ends is decided, and not recorded yet. */
  isSettling(id: number): boolean {
    return this.#cancellations.has(id) || this.#needs.queue?.run(id)?.snapshot.context.ending !== undefined
  }

  /** Ask `isSettling` first: commands that need not wait act at once, in the order in which they came. */
  async settled(id: number): Promise<void> {
    while (this.isSettling(id)) await (this.#cancellations.get(id)?.done ?? this.#needs.queue?.runEnded(id))
  }

  /** Resolves when no cancellation is under way. */
  async close(): Promise<void> {
    await Promise.allSettled([...this.#cancellations.values()].map(({ done }) => done))
  }

  /** `queued` records it as queued, or creates it. It is not called while a queue starts or stops. Throws LibraryFailed. */
  start(queued: () => DownloadRecord): Outcome<DownloadView> {
    const { queue } = this.#needs
    if (queue?.isOpen === false) return tryAgain()
    const record = queued()
    queue?.send({ type: 'download.enqueue', download: downloadInputOf(record, queue) })
    return done(this.view(record.id)!)
  }

  restart(id: number): Outcome<DownloadView> {
    return this.start(() => this.#needs.inactive.enqueue(id))
  }

  async pause(id: number): Promise<Outcome<DownloadView>> {
    if (this.isSettling(id)) await this.settled(id)
    const view = this.view(id)
    if (!view) return noSuchDownload(id)
    if (view.state === 'paused') return done(view)
    if (isInactive(view.state)) return notRunning(id, `is ${view.state}; there is nothing to pause`)
    return this.#end(id, 'paused')
  }

  async resume(id: number): Promise<Outcome<DownloadView>> {
    if (this.isSettling(id)) await this.settled(id)
    const view = this.view(id)
    if (!view) return noSuchDownload(id)
    if (view.state === 'cancelled') return notRunning(id, `was cancelled; download ${showable(view.name)} again`)
    if (view.state === 'completed') return hasCompleted(view)
    return view.state === 'paused' || view.state === 'failed' ? this.restart(id) : done(view)
  }

  async cancel(id: number): Promise<Outcome<DownloadView>> {
    if (this.isSettling(id)) await this.settled(id)
    const view = this.view(id)
    if (!view) return noSuchDownload(id)
    if (view.state === 'cancelled') return done(view)
    if (view.state === 'completed') return hasCompleted(view)
    if (view.state !== 'queued' && !isInactive(view.state)) return this.#end(id, 'cancelled')
    const cancelled = this.#cancelInactive(id, view.state).finally(() => this.#cancellations.delete(id))
    this.#cancellations.set(id, { view, done: cancelled })
    return cancelled
  }

  /** Through the queue, if there is one. */
  async #end(id: number, state: 'paused' | 'cancelled'): Promise<Outcome<DownloadView>> {
    const { queue, inactive } = this.#needs
    if (!queue) {
      inactive.recordEnding(id, { ending: state, problem: undefined }, 0)
      return done(inactive.view(id)!)
    }
    if (!queue.isOpen) return tryAgain()
    queue.send({ type: state === 'paused' ? 'download.pause' : 'download.cancel', id })
    await queue.left(id)
    const view = inactive.view(id)!
    if (view.state === state) return done(view)
    // It ended by itself first, or the agent is stopping.
    if (view.state === 'completed') return hasCompleted(view)
    return view.state === 'failed' ? hasFailed(view) : tryAgain()
  }

  /** The files go before the record does: no later run would remove them. */
  async #cancelInactive(id: number, state: DownloadState): Promise<Outcome<DownloadView>> {
    const { library, inactive } = this.#needs
    if (state === 'queued') {
      const paused = await this.#end(id, 'paused')
      if (!paused.ok) return paused
    }
    const discarded = await discardFiles(library.download(id)!)
    if (!discarded.ok) return discarded
    inactive.recordEnding(id, { ending: 'cancelled', problem: undefined }, 0)
    return done(inactive.view(id)!)
  }
}
