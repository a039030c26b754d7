// What the agent may ask of the download queue and say to it, without being its parent.

import { type ActorRef, type Snapshot, waitFor } from 'xstate'
import { ActorPort } from './actor-port.ts'
import type { DownloadSnapshot } from './download.ts'
import type { DownloadQueueContext, DownloadQueueEvent, RunningDownload } from './download-queue.ts'

/** What the port uses of the queue's actor. */
type QueueActor = ActorRef<Snapshot<unknown> & { readonly context: DownloadQueueContext }, DownloadQueueEvent>

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

export class DownloadQueuePort extends ActorPort<DownloadQueueEvent, QueueActor> {
  /** False while the queue is being started again, and once it is suspended. */
  get isOpen(): boolean {
    return this.active !== undefined
  }

  /** How many downloads are under way; those that wait are not counted. */
  get running(): number {
    return this.active?.getSnapshot().context.running.size ?? 0
  }

  /** Undefined unless that download is under way. */
  run(id: number): DownloadRun | undefined {
    const running = this.active?.getSnapshot().context.running.get(id)
    return running && runOf(running)
  }

  runs(): DownloadRun[] {
    return [...(this.active?.getSnapshot().context.running.values() ?? [])].map(runOf)
  }

  /** Resolves once the download's run has ended; rejects when the queue ends before. */
  async runEnded(id: number): Promise<void> {
    await waitFor(this.latest, ({ context }) => !context.running.has(id))
  }

  /** Resolves once the download neither runs nor waits; rejects when the queue ends before. */
  async left(id: number): Promise<void> {
    await waitFor(
      this.latest,
      ({ context: { running, waiting } }) => !running.has(id) && !waiting.some(({ spec }) => spec.id === id),
    )
  }
}
