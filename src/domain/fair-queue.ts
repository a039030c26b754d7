// Whose turn it is when many want of a thing that is scarce. Those who share a key share one turn: keys come in turn by
// how much they have had (start-time fair queueing: Goyal, Vin, Cheng, SIGCOMM 1996), so whoever is always there gets no
// more than another who is, and whoever comes anew comes next. Within a key, what was begun comes first, then in order.

export interface FairQueue<Claim> {
  /** One more that waits. `isBegun`: it goes on with something that is of use only when it is whole. */
  join(key: string, claim: Claim, isBegun: boolean): void
  /** Whose turn it is. */
  next(): Claim | undefined
  /** The next one leaves the line; `use` says how much it had. It may join again in there. */
  serve(use: (claim: Claim) => number): void
}

interface Line<Claim> {
  /** Where its turn stands: grows by what it has had. */
  start: number
  readonly begun: Claim[]
  readonly fresh: Claim[]
}

export function createFairQueue<Claim>(): FairQueue<Claim> {
  /**
   * Empty ones are kept while others wait that have had less: leaving and coming again gains nobody anything. Once
   * nobody waits, all begin anew.
   */
  const lines = new Map<string, Line<Claim>>()
  /** Where the turn stands that was served last. */
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
      if (!line) throw new Error('bug: nobody is in the line')
      served = line.start
      line.start += use((line.begun.shift() ?? line.fresh.shift())!)
      forgetOthers()
    },
  }
}
