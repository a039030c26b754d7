// What the agent may ask of the download queue and say to it, without being its parent. The queue attaches itself when it
// starts, and again when its parent has started it anew; it is not looked up by name.

import { type ActorRef, type Snapshot, waitFor } from 'xstate'
import type { DownloadSnapshot } from './download.ts'
import type { DownloadQueueContext, DownloadQueueEvent, RunningDownload } from './download-queue.ts'

/** What the port uses of the queue's actor. */
export type AttachedQueue = ActorRef<Snapshot<unknown> & { readonly context: DownloadQueueContext }, DownloadQueueEvent>

/** A download that is under way. */
export interface DownloadRun {
  /** Its actor's session id, by which watchers know it. */
  readonly actor: string
  readonly snapshot: DownloadSnapshot
}

const runOf = ({ actor }: RunningDownload): DownloadRun => ({
  actor: actor.sessionId,
  snapshot: actor.getSnapshot(),
})

export class DownloadQueuePort {
  #queue: AttachedQueue | undefined

  /** Called by the queue itself, as it starts. */
  attach(queue: AttachedQueue): void {
    this.#queue = queue
  }

  /** False while the queue is being started again, and once it is suspended. */
  get isOpen(): boolean {
    return this.#open !== undefined
  }

  /** Downloads under way; those that wait are not counted. */
  get running(): number {
    return this.#open?.getSnapshot().context.running.size ?? 0
  }

  /** Dropped unless the queue is open: as it starts, it takes up what the library has under way. */
  send(event: DownloadQueueEvent): void {
    this.#open?.send(event)
  }

  /** Undefined unless that download is under way. */
  run(id: number): DownloadRun | undefined {
    const running = this.#open?.getSnapshot().context.running.get(id)
    return running && runOf(running)
  }

  runs(): DownloadRun[] {
    return [...(this.#open?.getSnapshot().context.running.values() ?? [])].map(runOf)
  }

  /** Resolves once the download's run has ended; rejects when the queue ends before. */
  async runEnded(id: number): Promise<void> {
    await waitFor(this.#attached, ({ context }) => !context.running.has(id))
  }

  /** Resolves once the download neither runs nor waits; rejects when the queue ends before. */
  async left(id: number): Promise<void> {
    await waitFor(
      this.#attached,
      ({ context: { running, waiting } }) => !running.has(id) && !waiting.some(({ spec }) => spec.id === id),
    )
  }

  get #open(): AttachedQueue | undefined {
    return this.#queue?.getSnapshot().status === 'active' ? this.#queue : undefined
  }

  get #attached(): AttachedQueue {
    if (!this.#queue) throw new Error('bug: the download queue has never started')
    return this.#queue
  }
}
