// Notices that a peer has done nothing for a while. Counts checks instead of reading a clock: while this process itself
// stands still no peer can do anything, and the whole pause counts as one check. Does no I/O.

const checksAllowed = 10

/** How often `check` is due, so that a peer counts as idle after `idleAfterMs`, or up to a tenth later. */
export const checkEveryMs = (idleAfterMs: number): number => idleAfterMs / checksAllowed

export class IdleWatch {
  #checks = 0

  /** The peer has done something, or nothing is expected of it. */
  restart(): void {
    this.#checks = 0
  }

  /** True when too many checks in a row found nothing done. */
  check(): boolean {
    this.#checks += 1
    return this.#checks > checksAllowed
  }
}
