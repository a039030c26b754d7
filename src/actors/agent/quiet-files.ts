// Files that have just changed, until they have been left alone for a moment: a file that is written anew with the same
// bytes would be found to be another one while it is half written.

export interface QuietFilesSettings {
  /** A file without changes for this long is quiet. */
  readonly quietMs: number
  /** A file that keeps changing counts as quiet after this long. */
  readonly mostMs: number
  /** Most files remembered. */
  readonly most: number
}

export class QuietFiles {
  readonly #settings: QuietFilesSettings
  readonly #now: () => number
  readonly #changed = new Map<string, { readonly since: number; last: number }>()

  constructor(settings: QuietFilesSettings, now: () => number = () => performance.now()) {
    this.#settings = settings
    this.#now = now
  }

  get size(): number {
    return this.#changed.size
  }

  /** False when there is no room for it. */
  add(path: string): boolean {
    const now = this.#now()
    const known = this.#changed.get(path)
    if (known) known.last = now
    else if (this.#changed.size >= this.#settings.most) return false
    else this.#changed.set(path, { since: now, last: now })
    return true
  }

  /** Forgets those that are quiet by now, and returns them. */
  take(): string[] {
    const now = this.#now()
    const { quietMs, mostMs } = this.#settings
    const quiet = [...this.#changed]
      .filter(([, { since, last }]) => now - last >= quietMs || now - since >= mostMs)
      .map(([path]) => path)
    for (const path of quiet) this.#changed.delete(path)
    return quiet
  }

  clear(): void {
    this.#changed.clear()
  }
}
