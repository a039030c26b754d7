// Notices that messages of a process were lost: their numbers have a gap, and no snapshot follows it soon.

import { pageTunables } from '../../../../config/visualizer.ts'
import type { Inspection } from '../../../wire/inspection.ts'

export class MessageGaps {
  readonly #lost: () => void
  readonly #lastNumbers = new Map<string, { readonly run: string; readonly n: number }>()
  /** By process: a gap that no snapshot has followed yet. */
  readonly #timers = new Map<string, ReturnType<typeof setTimeout>>()

  /** `lost`: a new snapshot is needed. */
  constructor(lost: () => void) {
    this.#lost = lost
  }

  received(subject: string, { run, n, kind }: Pick<Inspection, 'run' | 'n' | 'kind'>): void {
    const process = subject.split('.').slice(2, 4).join('.')
    const last = this.#lastNumbers.get(process)
    const lastNumber = last?.run === run ? last.n : n
    this.#lastNumbers.set(process, { run, n: Math.max(n, lastNumber) })
    if (kind === 'picture') this.#forget(process)
    else if (n > lastNumber + 1 && !this.#timers.has(process)) this.#expectSnapshot(process)
  }

  close(): void {
    for (const process of this.#timers.keys()) this.#forget(process)
  }

  #expectSnapshot(process: string): void {
    const timer = setTimeout(() => {
      this.#timers.delete(process)
      this.#lost()
    }, pageTunables.snapshotWithinMs)
    this.#timers.set(process, timer)
  }

  #forget(process: string): void {
    clearTimeout(this.#timers.get(process))
    this.#timers.delete(process)
  }
}
