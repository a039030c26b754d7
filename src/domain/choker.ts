// Which peers this device uploads to, over all its sessions: few at a time, one piece each in turn. A peer that asks
// while a slot is free is served at once. One that asks while there is none is choked: told that we are busy, unchoked
// when its turn comes, and only then asked what it wants. No I/O, no clock: the time is handed in.
// Always: while peers wait, every slot is held by one that is served or unchoked, and not for long without being used;
// of the peers that wait, the one served longest ago is unchoked first; a peer is declined a piece at most once.
//
// Few at a time, since k parallel uploads pass each piece on k piece-times later; more than one, to keep the line busy while
// a peer asks; the piece is chosen late, since rarity changes (Mundinger, Weber & Weiss, "Optimal scheduling of peer-to-peer
// file dissemination", 2008; docs/adr/0008). Unlike BEP 3, no tit for tat, and a slot is for one piece rather than ten seconds.

import type { Bitfield } from './bitfield.ts'
import { ChokerPace } from './choker-pace.ts'
import { SuperSeeding } from './super-seeding.ts'

/** `declined`: ask for a piece that no peer was given yet, or for the same again. `busy`: choked; an unchoke follows. */
export type Answer = 'accepted' | 'declined' | 'busy'

export type ChokerStep =
  | { readonly type: 'serve'; readonly session: string; readonly piece: number }
  /** Let the peer ask. */
  | { readonly type: 'unchoke'; readonly session: string }

export interface Choker {
  /** `own`: pieces to hand out once before any twice; the same for all sessions of a share. */
  opened(session: string, share: string, own: Bitfield): void
  closed(session: string): void
  /** It asks for a piece that it has not asked for already. */
  asked(session: string, piece: number, nowMs: number): Answer
  /** It has the piece, or no longer wants it. */
  settled(session: string, piece: number, nowMs: number): void
  /** It was unchoked and asks for nothing. */
  passed(session: string, nowMs: number): void
  /** What to do now. */
  next(nowMs: number): ChokerStep[]
  /** When `next` may have more to say even if nothing happens; undefined: never. */
  wakeAtMs(nowMs: number): number | undefined
  /** Own pieces of the session's share that no connected peer was given. */
  freshOf(session: string): Bitfield | undefined
}

export interface SlotSettings {
  /** Sessions served at a time while others wait. */
  readonly slots: number
  /**
   * Sessions unchoked, or accepted and not served yet, at a time while others wait; and so many more for each piece that
   * begins to be served in the time that a peer takes to answer an unchoke.
   */
  readonly slotsAhead: number
  readonly slotsAheadPerAnswer: number
  /** A piece that takes so many times longer than usual, and longer than `slowServingLeastMs`, holds no slot any more. */
  readonly slowServingFactor: number
  readonly slowServingLeastMs: number
}

interface Session {
  readonly share: SuperSeeding
  /** Accepted and not served yet. */
  readonly accepted: Set<number>
  /** Piece -> when it began to be served (ms). */
  readonly served: Map<number, number>
  readonly given: Set<number>
  readonly declined: Set<number>
  /** When it was unchoked and has not asked since (ms). */
  unchokedAtMs: number | undefined
  /** The number of the last piece accepted from it, over all sessions. */
  lastAccepted: number
}

const servedSinceMs = (session: Session): number => session.served.values().next().value!

class SlotChoker implements Choker {
  readonly #settings: SlotSettings
  readonly #pace = new ChokerPace()
  readonly #sessions = new Map<string, Session>()
  readonly #shares = new Map<string, SuperSeeding>()
  /** Each of these in order. A session can be in several. */
  readonly #waiting = new Map<string, Session>()
  readonly #unchoked = new Map<string, Session>()
  readonly #accepted = new Map<string, Session>()
  readonly #served = new Map<string, Session>()
  #acceptedCount = 0

  constructor(settings: SlotSettings) {
    this.#settings = settings
  }

  opened(name: string, shareId: string, own: Bitfield): void {
    const share = this.#shares.get(shareId) ?? new SuperSeeding(own)
    this.#shares.set(shareId, share)
    share.sessions += 1
    this.#sessions.set(name, {
      share,
      accepted: new Set(),
      served: new Map(),
      given: new Set(),
      declined: new Set(),
      unchokedAtMs: undefined,
      lastAccepted: this.#acceptedCount,
    })
  }

  closed(name: string): void {
    const session = this.#sessions.get(name)
    if (!session) return
    const { share } = session
    for (const piece of session.given) share.takeBack(piece)
    share.sessions -= 1
    for (const [id, each] of this.#shares) if (each === share && share.sessions === 0) this.#shares.delete(id)
    for (const map of [this.#sessions, this.#waiting, this.#unchoked, this.#accepted, this.#served]) map.delete(name)
  }

  asked(name: string, piece: number, nowMs: number): Answer {
    const session = this.#sessions.get(name)
    if (!session) return 'busy'
    if (session.unchokedAtMs === undefined && !this.#isFree(name, nowMs)) {
      this.#waiting.set(name, session)
      return 'busy'
    }
    if (!session.declined.has(piece) && session.share.isBetterDeclined(piece, session.given.has(piece))) {
      session.declined.add(piece)
      return 'declined'
    }
    this.#accept(name, session, piece, nowMs)
    return 'accepted'
  }

  settled(name: string, piece: number, nowMs: number): void {
    const session = this.#sessions.get(name)
    if (!session) return
    if (session.accepted.delete(piece) && session.accepted.size === 0) this.#accepted.delete(name)
    const sinceMs = session.served.get(piece)
    if (sinceMs === undefined) return
    session.served.delete(piece)
    if (session.served.size === 0) this.#served.delete(name)
    this.#pace.served(nowMs - sinceMs)
  }

  passed(name: string, nowMs: number): void {
    const session = this.#sessions.get(name)
    if (session) this.#endUnchoke(name, session, nowMs)
  }

  next(nowMs: number): ChokerStep[] {
    const steps: ChokerStep[] = []
    for (let name = this.#nextToServe(nowMs); name !== undefined; name = this.#nextToServe(nowMs))
      steps.push({ type: 'serve', session: name, piece: this.#serve(name, nowMs) })
    for (let name = this.#nextToUnchoke(nowMs); name !== undefined; name = this.#nextToUnchoke(nowMs)) {
      this.#unchoke(name, nowMs)
      steps.push({ type: 'unchoke', session: name })
    }
    return steps
  }

  wakeAtMs(nowMs: number): number | undefined {
    if (this.#waiting.size === 0 && this.#accepted.size === 0) return undefined
    let at = Number.POSITIVE_INFINITY
    const consider = (sinceMs: number) => {
      const slowAtMs = sinceMs + this.#slowAfterMs()
      if (slowAtMs > nowMs) at = Math.min(at, slowAtMs)
    }
    for (const session of this.#served.values()) consider(servedSinceMs(session))
    for (const session of this.#unchoked.values()) consider(session.unchokedAtMs!)
    return at === Number.POSITIVE_INFINITY ? undefined : at
  }

  freshOf(name: string): Bitfield | undefined {
    return this.#sessions.get(name)?.share.fresh
  }

  /** No peer waits, and there is room for this one. */
  #isFree(name: string, nowMs: number): boolean {
    if (this.#waiting.size > 0) return false
    return this.#hasSlotAhead(nowMs) || (this.#served.has(name) && this.#served.size <= this.#settings.slots)
  }

  #accept(name: string, session: Session, piece: number, nowMs: number): void {
    this.#endUnchoke(name, session, nowMs)
    this.#waiting.delete(name)
    this.#acceptedCount += 1
    session.lastAccepted = this.#acceptedCount
    session.accepted.add(piece)
    this.#accepted.set(name, session)
    if (session.given.has(piece)) return
    session.given.add(piece)
    session.share.give(piece)
  }

  #endUnchoke(name: string, session: Session, nowMs: number): void {
    if (session.unchokedAtMs !== undefined) this.#pace.answered(nowMs - session.unchokedAtMs)
    session.unchokedAtMs = undefined
    this.#unchoked.delete(name)
  }

  #serve(name: string, nowMs: number): number {
    const session = this.#sessions.get(name)!
    const piece = session.accepted.values().next().value!
    session.accepted.delete(piece)
    if (session.accepted.size === 0) this.#accepted.delete(name)
    session.served.set(piece, nowMs)
    this.#served.set(name, session)
    this.#pace.started(nowMs, this.#waiting.size > 0)
    return piece
  }

  #unchoke(name: string, nowMs: number): void {
    const session = this.#sessions.get(name)!
    this.#waiting.delete(name)
    session.unchokedAtMs = nowMs
    this.#unchoked.set(name, session)
  }

  /** A session that is being served goes on only if no other has been accepted. */
  #nextToServe(nowMs: number): string | undefined {
    for (const name of this.#accepted.keys())
      if (!this.#served.has(name)) return this.#hasSlot(nowMs) ? name : undefined
    return this.#accepted.keys().next().value
  }

  #nextToUnchoke(nowMs: number): string | undefined {
    if (this.#waiting.size === 0 || !this.#hasSlotAhead(nowMs)) return undefined
    let next: string | undefined
    let earliest = Number.POSITIVE_INFINITY
    for (const [name, { lastAccepted }] of this.#waiting) {
      if (lastAccepted >= earliest) continue
      next = name
      earliest = lastAccepted
    }
    return next
  }

  #slowAfterMs(): number {
    return Math.max(this.#settings.slowServingLeastMs, this.#pace.servingMs * this.#settings.slowServingFactor)
  }

  #hasSlot(nowMs: number): boolean {
    let taken = 0
    for (const session of this.#served.values()) if (nowMs - servedSinceMs(session) < this.#slowAfterMs()) taken += 1
    return taken < this.#settings.slots
  }

  #hasSlotAhead(nowMs: number): boolean {
    let taken = this.#accepted.size
    for (const session of this.#unchoked.values()) if (nowMs - session.unchokedAtMs! < this.#slowAfterMs()) taken += 1
    const { slotsAhead, slotsAheadPerAnswer } = this.#settings
    return taken < slotsAhead + Math.floor(this.#pace.startsPerAnswer * slotsAheadPerAnswer)
  }
}

export const createChoker = (settings: SlotSettings): Choker => new SlotChoker(settings)
