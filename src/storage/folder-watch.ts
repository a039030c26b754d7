// Tells of changes to files in some folders, as the system notices them. Some changes it never notices (on network file
// systems, through memory maps or other hard links), and it watches a limited number of folders: what matters has to be
// looked at now and then as well. On Linux a folder takes one inotify watch, however many files it holds.

import { type FSWatcher, watch } from 'node:fs'
import { stat } from 'node:fs/promises'
import { join } from 'node:path'

export interface FolderWatchNeeds {
  /** A file there was written, made, renamed or removed; its attributes may have changed, too. Comes in bursts. */
  onChange(path: string): void
  /** A folder was moved, replaced or unmounted: its files may all have changed, and no change was told. */
  onLost(folder: string): void
  /** Most folders watched at once. */
  readonly most: number
}

interface Watched {
  readonly watcher: FSWatcher
  /** Identifies the folder, beside its path; undefined until it was looked at. */
  identity: string | undefined
  isKept: boolean
}

/** The system's limit on watches (`fs.inotify.max_user_watches`) or on open files. */
const isLimit = (error: unknown) => ['ENOSPC', 'EMFILE', 'ENFILE'].includes((error as NodeJS.ErrnoException).code ?? '')

export class FolderWatch {
  readonly #needs: FolderWatchNeeds
  readonly #watched = new Map<string, Watched>()
  /** The system watches no more folders for now. */
  #isLimited = false
  #isClosed = false

  constructor(needs: FolderWatchNeeds) {
    this.#needs = needs
  }

  get size(): number {
    return this.#watched.size
  }

  /** Watches the folder, if the limits allow it, for at least as long as it is kept once a round. */
  keep(folder: string): void {
    const known = this.#watched.get(folder)
    if (known) known.isKept = true
    else if (!this.#isClosed && !this.#isLimited && this.#watched.size < this.#needs.most) this.#watch(folder)
  }

  /** Watches no longer what was not kept since the last round ended, and tries again what the system refused. */
  endRound(): void {
    this.#isLimited = false
    for (const [folder, watched] of this.#watched) {
      if (!watched.isKept) this.#forget(folder)
      watched.isKept = false
    }
  }

  /** Looks at that many folders, in turn, and notices those that are no longer what is watched. */
  async look(most: number): Promise<void> {
    for (const [folder, watched] of [...this.#watched].slice(0, most)) {
      const identity = await identityOf(folder)
      if (this.#watched.get(folder) !== watched) continue
      // The last in turn from now on.
      this.#watched.delete(folder)
      this.#watched.set(folder, watched)
      const isSame = identity !== undefined && (watched.identity ?? identity) === identity
      watched.identity = identity
      if (isSame) continue
      this.#forget(folder)
      this.#needs.onLost(folder)
    }
  }

  close(): void {
    this.#isClosed = true
    for (const folder of [...this.#watched.keys()]) this.#forget(folder)
  }

  #watch(folder: string): void {
    try {
      const watcher = watch(folder, { persistent: false })
      const watched: Watched = { watcher, identity: undefined, isKept: true }
      this.#watched.set(folder, watched)
      watcher.on('change', (_, name) => {
        if (name !== null && this.#watched.get(folder) === watched) this.#needs.onChange(join(folder, String(name)))
      })
      watcher.on('error', () => {
        if (this.#watched.get(folder) !== watched) return
        this.#forget(folder)
        this.#needs.onLost(folder)
      })
    } catch (error) {
      // A folder that is missing or forbidden is tried again when it is kept next.
      if (isLimit(error)) this.#isLimited = true
    }
  }

  #forget(folder: string): void {
    this.#watched.get(folder)?.watcher.close()
    this.#watched.delete(folder)
  }
}

/** Undefined when there is none. */
async function identityOf(folder: string): Promise<string | undefined> {
  try {
    const { dev, ino } = await stat(folder, { bigint: true })
    return `${dev} ${ino}`
  } catch {
    return undefined
  }
}
