// Shares something scarce fairly between keys: the key that has had least is served next (start-time fair queueing: Goyal,
// Vin, Cheng, SIGCOMM 1996). A key that always has claims gets no more than another that does, and a new key is served
// next. Within a key, claims that continue something go first, then in order.

export interface FairQueue<Claim> {
  /** Adds a claim. `isBegun`: it continues something that is of use only when whole. */
  join(key: string, claim: Claim, isBegun: boolean): void
  /** The claim to serve next. */
  next(): Claim | undefined
  /** Takes the next claim off; `use` returns how much it had, and may add claims. Throws when there is none. */
  serve(use: (claim: Claim) => number): void
}

interface Line<Claim> {
  /** Its start tag: grows by what it has had. */
  start: number
  readonly begun: Claim[]
  readonly fresh: Claim[]
}

export function createFairQueue<Claim>(): FairQueue<Claim> {
  /**
   * Empty ones are kept while others wait that have had less, so that leaving and coming back gains nothing. Once no claim
   * waits, all start afresh.
   */
  const lines = new Map<string, Line<Claim>>()
  /** The start tag of the key served last. */
  let served = 0
  const isEmpty = ({ begun, fresh }: Line<Claim>) => begun.length + fresh.length === 0

  const nextLine = (): Line<Claim> | undefined => {
    let next: Line<Claim> | undefined
    for (const line of lines.values()) if (!isEmpty(line) && (!next || line.start < next.start)) next = line
    return next
  }

  const forgetOthers = () => {
    if (!nextLine()) return lines.clear()
    for (const [key, line] of lines) if (isEmpty(line) && line.start <= served) lines.delete(key)
  }

  return {
    join(key, claim, isBegun) {
      let line = lines.get(key)
      if (!line) {
        line = { start: served, begun: [], fresh: [] }
        lines.set(key, line)
      }
      if (isEmpty(line)) line.start = Math.max(line.start, served)
      ;(isBegun ? line.begun : line.fresh).push(claim)
    },
    next() {
      const line = nextLine()
      return line && (line.begun[0] ?? line.fresh[0])
    },
    serve(use) {
      const line = nextLine()
      if (!line) throw new Error('bug: no claim waits')
      served = line.start
      line.start += use((line.begun.shift() ?? line.fresh.shift())!)
      forgetOthers()
    },
  }
}
