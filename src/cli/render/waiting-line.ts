// A line on standard error that says what a command waits for, once that takes long. It is erased when the wait ends, or as
// soon as anything else is shown.

import { commandLineTunables } from '../../../config/client.ts'

const eraseLine = '\r\x1b[K'

export class WaitingLine {
  readonly #stream: { write(text: string): unknown }
  readonly #isShown: boolean
  #isDrawn = false

  /** `isShown`: whether this is a terminal, for a person. */
  constructor(stream: { write(text: string): unknown }, isShown: boolean) {
    this.#stream = stream
    this.#isShown = isShown
  }

  /** Returns what `work` comes to; `what` is waited for. */
  async during<T>(what: string, work: Promise<T>): Promise<T> {
    if (!this.#isShown) return work
    const drawing = setTimeout(() => this.#draw(`waiting for ${what} …`), commandLineTunables.sayWaitingAfterMs)
    try {
      return await work
    } finally {
      clearTimeout(drawing)
      this.erase()
    }
  }

  erase(): void {
    if (this.#isDrawn) this.#stream.write(eraseLine)
    this.#isDrawn = false
  }

  #draw(text: string): void {
    this.#stream.write(`${eraseLine}${text}`)
    this.#isDrawn = true
  }
}
