// A user's downloads as the library has them: how each is shown while it does not run, and how its last run ended. An ending
// counts at once; if the library's disk is full, it is recorded as soon as there is room. There may be very many that are
// over: they are read when a person looks at them.

import type { Logger } from 'pino'
import { agentTunables } from '../../../config/agent.ts'
import type { DownloadOutput } from '../../machines/download-protocol.ts'
import type { Library } from '../../storage/library.ts'
import type { DownloadChange, DownloadRecord, NewDownload } from '../../storage/library-downloads.ts'
import { LibraryFailed } from '../../storage/library-file.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import { viewOfRecord } from './download-view.ts'

export interface InactiveDownloads {
  /** In the order in which they were created. Throws LibraryFailed. */
  ids(): number[]
  /**
   * As it was when its last run ended or it was last queued. Undefined when this user has no such download here. Throws
   * LibraryFailed, but for those that were not over when this began.
   */
  view(id: number): DownloadView | undefined
  /** A new download, queued. Throws LibraryFailed. */
  create(download: NewDownload): DownloadRecord
  /** Records it as queued, and forgets its last error. Throws LibraryFailed. */
  enqueue(id: number): DownloadRecord
  /** Records how it ended; the run's duration is added to its time. Never throws for a failing disk. */
  recordEnding(id: number, ended: DownloadOutput, ranForMs: number): void
  /** Records nothing more. */
  close(): void
}

export function createInactiveDownloads(user: string, library: Library, log: Logger): InactiveDownloads {
  const views = new Views(user, library)

  /** Endings that a failing disk did not take. After a restart, the agent runs these downloads once more. */
  const unrecorded = new Map<number, DownloadChange>()
  let again: NodeJS.Timeout | undefined
  const record = (id: number, change: DownloadChange) => {
    try {
      library.changeDownload(id, change)
      unrecorded.delete(id)
    } catch (error) {
      if (!(error instanceof LibraryFailed)) throw error
      if (!unrecorded.has(id))
        log.warn({ download: id, err: error }, 'the disk did not take how a download ended; it is recorded later')
      if (unrecorded.size === 0) again = setTimeout(recordAgain, agentTunables.recordAgainMs).unref()
      unrecorded.set(id, change)
    }
  }
  const recordAgain = () => {
    const left = [...unrecorded]
    unrecorded.clear()
    for (const [id, change] of left) record(id, change)
  }

  const find = (id: number): DownloadRecord => {
    const found = library.download(id)
    if (!found) throw new Error(`bug: download ${id} left the library`)
    return found
  }
  /** Undefined while the library's disk cannot be read. */
  const readable = (id: number): DownloadRecord | undefined => {
    try {
      return find(id)
    } catch (error) {
      if (error instanceof LibraryFailed) return undefined
      throw error
    }
  }

  return {
    ids: () => views.ids(),
    view: id => views.get(id),

    create(download) {
      const created = library.createDownload(download)
      views.set(created.id, viewOfRecord(created))
      return created
    },

    enqueue(id) {
      library.changeDownload(id, { state: 'queued', error: undefined })
      unrecorded.delete(id)
      const queued = find(id)
      views.set(id, viewOfRecord(queued))
      return queued
    },

    recordEnding(id, { ending, problem }, ranForMs) {
      const before = readable(id)
      const ended = {
        state: ending === 'suspended' ? ('queued' as const) : ending,
        error: problem,
        finishedAt: ending === 'completed' ? Date.now() : undefined,
      }
      const change: DownloadChange = before ? { ...ended, seconds: before.seconds + ranForMs / 1000 } : ended
      record(id, change)
      log.info({ download: id, ending, problem }, 'a download ended')
      const { error: _, ...shown } = views.get(id)!
      views.set(
        id,
        before
          ? viewOfRecord({ ...before, ...change })
          : { ...shown, state: ended.state, ...(problem ? { error: problem } : {}) },
      )
    },

    close: () => clearTimeout(again),
  }
}

/** Views of downloads, kept once they were read: they can then be shown also while the library's disk fails. */
class Views {
  readonly #user: string
  readonly #library: Library
  #views: Map<number, DownloadView>
  /** Those that are over are there, too. */
  #isWhole = false

  constructor(user: string, library: Library) {
    this.#user = user
    this.#library = library
    this.#views = new Map(library.unfinishedDownloads(user).map(record => [record.id, viewOfRecord(record)]))
  }

  ids(): number[] {
    if (!this.#isWhole) {
      const read = this.#library.downloadSummaries(this.#user).map(record => viewOfRecord(record))
      this.#views = new Map(read.map(view => [view.id, this.#views.get(view.id) ?? view]))
      this.#isWhole = true
    }
    return [...this.#views.keys()]
  }

  get(id: number): DownloadView | undefined {
    const known = this.#views.get(id)
    if (known || this.#isWhole) return known
    const record = this.#library.download(id)
    if (record?.user !== this.#user) return undefined
    const view = viewOfRecord(record)
    this.#views.set(id, view)
    return view
  }

  set(id: number, view: DownloadView): void {
    this.#views.set(id, view)
  }
}
