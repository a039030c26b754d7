// How long things take at a choker: to serve a piece, to answer an unchoke, and from one piece to the next while peers
// wait. Smoothed, in milliseconds; 0 until measured.

/** How much a new measurement weighs. */
const newShare = 0.2

const smooth = (before: number, now: number) => (before === 0 ? now : before + (now - before) * newShare)

export class ChokerPace {
  #servingMs = 0
  #answerMs = 0
  #betweenMs = 0
  #startedAtMs: number | undefined

  get servingMs(): number {
    return this.#servingMs
  }

  /** Pieces that begin to be served in the time that a peer takes to answer an unchoke. */
  get startsPerAnswer(): number {
    return this.#betweenMs > 0 ? this.#answerMs / this.#betweenMs : 0
  }

  served(ms: number): void {
    this.#servingMs = smooth(this.#servingMs, ms)
  }

  answered(ms: number): void {
    this.#answerMs = smooth(this.#answerMs, ms)
  }

  /** A piece begins to be served. Without peers that wait, the time until the next one says nothing. */
  started(nowMs: number, isContended: boolean): void {
    if (isContended && this.#startedAtMs !== undefined)
      this.#betweenMs = smooth(this.#betweenMs, nowMs - this.#startedAtMs)
    this.#startedAtMs = isContended ? nowMs : undefined
  }
}
