// Whom this device serves, over all its links: few at a time, turn about, a piece a turn. Who asks while there is a
// place is served at once; who asks while there is none is told so and called when its turn comes, and chooses only
// then what to ask for. No I/O, no clock: the time is handed in. Always true: while somebody waits, every place is held
// by somebody who is served or called, and not for long without using it; of those who wait, who was served longest ago
// is called first; a link is declined a piece at most once, so whoever insists is served.
//
// Few at a time, because with k flows side by side a piece is passed on k piece-times later (Mundinger, Weber & Weiss,
// "Optimal scheduling of peer-to-peer file dissemination", J. Scheduling 2008); more than one, so that the line stays
// busy while a reader asks for its next piece. Chosen late, because what is rare has changed by the time of the turn.
// What a device had from the beginning is handed out once before anything is handed out twice, as in super-seeding
// (BEP 16), but nothing is hidden: a piece that went to somebody who is still here is declined while others went to
// nobody, and a link is told which those are.

import { type Bitfield, createBitfield } from './bitfield.ts'

/** `declined`: ask for what was given to nobody, or for the same again. `busy`: nothing now; the link will be called. */
export type Answer = 'accepted' | 'declined' | 'busy'

export type Turn =
  | { readonly type: 'serve'; readonly link: string; readonly piece: number }
  /** Let it ask. */
  | { readonly type: 'call'; readonly link: string }

export interface Choker {
  /** `own`: pieces to hand out once before any is handed out twice; all links of a share say the same. */
  opened(link: string, share: string, own: Bitfield): void
  closed(link: string): void
  /** It asks for a piece that it did not ask for already. */
  asked(link: string, piece: number, nowMs: number): Answer
  /** It has the piece, or does not want it any more. */
  settled(link: string, piece: number, nowMs: number): void
  /** It was called and asks for nothing. */
  passed(link: string, nowMs: number): void
  /** What to do now. */
  next(nowMs: number): Turn[]
  /** When `next` may have more to say though nothing happened, if ever. */
  wakeAtMs(nowMs: number): number | undefined
  /** Own pieces of the link's share that were given to nobody who is still here. */
  freshOf(link: string): Bitfield | undefined
}

export interface Places {
  /** Links served at a time while others wait. */
  readonly places: number
  /**
   * Links called, or accepted and not served yet, at a time while others wait; and so many more for each that is served
   * in the time that a call takes to be answered.
   */
  readonly placesAhead: number
  readonly placesAheadPerAnswer: number
  /** A turn that takes so many times longer than usual, and longer than `slowTurnLeastMs`, holds no place any more. */
  readonly slowTurnFactor: number
  readonly slowTurnLeastMs: number
}

interface Link {
  readonly share: Share
  /** Accepted and not served yet. */
  readonly accepted: Set<number>
  /** Piece -> when it began to be served (ms). */
  readonly served: Map<number, number>
  readonly given: Set<number>
  readonly declined: Set<number>
  /** When it was called and has not asked since (ms). */
  calledAtMs: number | undefined
  /** The number of its last turn. */
  lastTurn: number
}

interface Share {
  readonly own: Bitfield
  /** How many links that are still here were given the piece. */
  readonly given: Uint32Array
  /** Own pieces given to nobody. */
  readonly fresh: Bitfield
  links: number
}

/** How much a new turn, or answer, weighs in how long they usually take. */
const newShare = 0.2

export function createChoker(of: Places): Choker {
  const links = new Map<string, Link>()
  const shares = new Map<string, Share>()
  /** Each of these in order. A link can be in several. */
  const waiting = new Map<string, Link>()
  const called = new Map<string, Link>()
  const accepted = new Map<string, Link>()
  const served = new Map<string, Link>()
  let turns = 0
  let usualMs = 0
  let answerMs = 0
  /** From one turn to the next while somebody waits. */
  let betweenMs = 0
  let lastTurnAtMs: number | undefined

  const slowAfterMs = () => Math.max(of.slowTurnLeastMs, usualMs * of.slowTurnFactor)
  const servedSinceMs = (link: Link): number => link.served.values().next().value!
  const hasPlace = (nowMs: number): boolean => {
    let taken = 0
    for (const link of served.values()) if (nowMs - servedSinceMs(link) < slowAfterMs()) taken += 1
    return taken < of.places
  }
  const hasPlaceAhead = (nowMs: number): boolean => {
    let taken = accepted.size
    for (const link of called.values()) if (nowMs - link.calledAtMs! < slowAfterMs()) taken += 1
    const servedMeanwhile = betweenMs > 0 ? answerMs / betweenMs : 0
    return taken < of.placesAhead + Math.floor(servedMeanwhile * of.placesAheadPerAnswer)
  }
  const give = ({ given, share }: Link, piece: number) => {
    if (given.has(piece)) return
    given.add(piece)
    share.given[piece]! += 1
    if (share.fresh.has(piece)) share.fresh.remove(piece)
  }
  const takeBack = (share: Share, piece: number) => {
    share.given[piece]! -= 1
    if (share.given[piece] === 0 && share.own.has(piece)) share.fresh.add(piece)
  }
  const isBetterDeclined = ({ share, given, declined }: Link, piece: number) =>
    share.fresh.count > 0 &&
    share.own.has(piece) &&
    share.given[piece]! > (given.has(piece) ? 1 : 0) &&
    !declined.has(piece)

  /** Whoever is being served goes on only if nobody else has been accepted. */
  const nextToServe = (nowMs: number): string | undefined => {
    for (const name of accepted.keys()) if (!served.has(name)) return hasPlace(nowMs) ? name : undefined
    return accepted.keys().next().value
  }
  const nextToCall = (nowMs: number): string | undefined => {
    if (waiting.size === 0 || !hasPlaceAhead(nowMs)) return undefined
    let next: string | undefined
    let lastTurn = Number.POSITIVE_INFINITY
    for (const [name, link] of waiting) {
      if (link.lastTurn >= lastTurn) continue
      next = name
      lastTurn = link.lastTurn
    }
    return next
  }

  const smooth = (before: number, now: number) => (before === 0 ? now : before + (now - before) * newShare)
  const noteAnswer = (link: Link, nowMs: number) => {
    if (link.calledAtMs !== undefined) answerMs = smooth(answerMs, nowMs - link.calledAtMs)
    link.calledAtMs = undefined
  }
  const noteTurn = (nowMs: number) => {
    if (waiting.size === 0) lastTurnAtMs = undefined
    else {
      if (lastTurnAtMs !== undefined) betweenMs = smooth(betweenMs, nowMs - lastTurnAtMs)
      lastTurnAtMs = nowMs
    }
  }

  return {
    opened(name, shareId, own) {
      let share = shares.get(shareId)
      if (!share) {
        const copy = () => createBitfield(own.length, own.toBytes())
        share = { own: copy(), given: new Uint32Array(own.length), fresh: copy(), links: 0 }
        shares.set(shareId, share)
      }
      share.links += 1
      const sets = { served: new Map(), given: new Set<number>(), declined: new Set<number>() }
      links.set(name, { share, accepted: new Set(), ...sets, calledAtMs: undefined, lastTurn: turns })
    },

    closed(name) {
      const link = links.get(name)
      if (!link) return
      for (const piece of link.given) takeBack(link.share, piece)
      link.share.links -= 1
      for (const [id, share] of shares) if (share === link.share && share.links === 0) shares.delete(id)
      for (const map of [links, waiting, called, accepted, served]) map.delete(name)
    },

    asked(name, piece, nowMs) {
      const link = links.get(name)
      if (!link) return 'busy'
      const isAlone = waiting.size === 0 && (hasPlaceAhead(nowMs) || (served.has(name) && served.size <= of.places))
      if (link.calledAtMs === undefined && !isAlone) {
        waiting.set(name, link)
        return 'busy'
      }
      if (isBetterDeclined(link, piece)) {
        link.declined.add(piece)
        return 'declined'
      }
      noteAnswer(link, nowMs)
      called.delete(name)
      waiting.delete(name)
      turns += 1
      link.lastTurn = turns
      link.accepted.add(piece)
      accepted.set(name, link)
      give(link, piece)
      return 'accepted'
    },

    settled(name, piece, nowMs) {
      const link = links.get(name)
      if (!link) return
      if (link.accepted.delete(piece) && link.accepted.size === 0) accepted.delete(name)
      const sinceMs = link.served.get(piece)
      if (sinceMs === undefined) return
      link.served.delete(piece)
      if (link.served.size === 0) served.delete(name)
      usualMs = smooth(usualMs, nowMs - sinceMs)
    },

    passed(name, nowMs) {
      const link = links.get(name)
      if (!link) return
      noteAnswer(link, nowMs)
      called.delete(name)
    },

    next(nowMs) {
      const given: Turn[] = []
      for (let name = nextToServe(nowMs); name !== undefined; name = nextToServe(nowMs)) {
        const link = links.get(name)!
        const piece = link.accepted.values().next().value!
        link.accepted.delete(piece)
        if (link.accepted.size === 0) accepted.delete(name)
        link.served.set(piece, nowMs)
        served.set(name, link)
        noteTurn(nowMs)
        given.push({ type: 'serve', link: name, piece })
      }
      for (let name = nextToCall(nowMs); name !== undefined; name = nextToCall(nowMs)) {
        const link = links.get(name)!
        waiting.delete(name)
        link.calledAtMs = nowMs
        called.set(name, link)
        given.push({ type: 'call', link: name })
      }
      return given
    },

    wakeAtMs(nowMs) {
      if (waiting.size === 0 && accepted.size === 0) return undefined
      let at: number | undefined
      const consider = (sinceMs: number) => {
        const slowAt = sinceMs + slowAfterMs()
        if (slowAt > nowMs && (at === undefined || slowAt < at)) at = slowAt
      }
      for (const link of served.values()) consider(servedSinceMs(link))
      for (const link of called.values()) consider(link.calledAtMs!)
      return at
    },

    freshOf: name => links.get(name)?.share.fresh,
  }
}
