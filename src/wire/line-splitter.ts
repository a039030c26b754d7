// Splits bytes into lines, as they arrive. Holds no more than one unfinished line of a bounded length.

/** A line went on for longer than its receiver takes. */
export class LineTooLong extends Error {
  override readonly name = 'LineTooLong'
}

export class LineSplitter {
  readonly #mostBytes: number
  #parts: Uint8Array[] = []
  #bytes = 0

  /** `mostBytes` of a line, its end left out. */
  constructor(mostBytes: number) {
    this.#mostBytes = mostBytes
  }

  /** The lines that end in `chunk`, without their ends. Throws LineTooLong. */
  push(chunk: Uint8Array): Uint8Array[] {
    const lines: Uint8Array[] = []
    let from = 0
    for (let end = chunk.indexOf(0x0a); end >= 0; end = chunk.indexOf(0x0a, from)) {
      this.#hold(chunk.subarray(from, end))
      lines.push(Buffer.concat(this.#parts))
      this.#parts = []
      this.#bytes = 0
      from = end + 1
    }
    this.#hold(chunk.subarray(from))
    return lines
  }

  #hold(part: Uint8Array): void {
    this.#bytes += part.length
    if (this.#bytes > this.#mostBytes) throw new LineTooLong(`a line has more than ${this.#mostBytes} bytes`)
    if (part.length > 0) this.#parts.push(part)
  }
}
