// A rate limit on attempts: password guesses, sign-ups. It limits each origin, whatever it tries, and each target, whoever
// tries it. Part of a target's allowance is reserved for newcomers (origins with few attempts at it), so that endless
// guessing does not lock out people from elsewhere. An origin that the target knows is limited by its own attempts alone.
// Refused attempts change nothing. Time is handed in, in ms.

import { RecentMap } from './recent-map.ts'

/** `atOnce` attempts after a quiet while, then one more every `everyMs`. */
export interface Allowance {
  readonly atOnce: number
  readonly everyMs: number
}

export interface AttemptLimits {
  readonly perOrigin: Allowance
  readonly perTarget: Allowance & { readonly keptForNewcomers: number }
  /** An origin within this allowance at a target counts as a newcomer there. */
  readonly newcomer: Allowance
}

export interface Attempt {
  /** Where it comes from: see domain/origin.ts. */
  readonly origin: string
  readonly target: string
  /** The target is known to be at this origin. */
  readonly isKnown: boolean
}

export interface Attempts {
  /** 0: it may be made now. Otherwise the wait, if no other attempt is made meanwhile. */
  waitMs(attempt: Attempt, nowMs: number): number
  /** Counts an attempt made here, or at another place that counts the same attempts. */
  count(attempt: Attempt, nowMs: number): void
  /** Takes back a counted attempt: it was right, or was never checked. */
  giveBack(attempt: Attempt, nowMs: number): void
}

/** How much each key has used of an allowance, kept as the time at which its allowance is whole again. */
function createUses({ atOnce, everyMs }: Allowance, rememberedKeys: number) {
  const wholeFrom = new RecentMap<string, number>(rememberedKeys)
  const used = (key: string, nowMs: number) => Math.max(0, (wholeFrom.get(key) ?? nowMs) - nowMs) / everyMs
  const set = (key: string, uses: number, nowMs: number) => {
    if (uses > 0) wholeFrom.set(key, nowMs + uses * everyMs)
    else wholeFrom.delete(key)
  }
  return {
    waitMs: (key: string, nowMs: number, kept = 0) =>
      Math.max(0, Math.ceil((used(key, nowMs) + 1 - (atOnce - kept)) * everyMs)),
    /** Trackers that count at the same moment may together exceed the allowance; that makes no wait longer. */
    count: (key: string, nowMs: number) => set(key, Math.min(atOnce, used(key, nowMs) + 1), nowMs),
    giveBack: (key: string, nowMs: number) => set(key, used(key, nowMs) - 1, nowMs),
  }
}

/** `rememberedKeys`: of origins, targets and pairs each; beyond it the one counted longest ago is forgotten. */
export function createAttempts({ perOrigin, perTarget, newcomer }: AttemptLimits, rememberedKeys: number): Attempts {
  const ofOrigins = createUses(perOrigin, rememberedKeys)
  const atTargets = createUses(perTarget, rememberedKeys)
  const asNewcomers = createUses(newcomer, rememberedKeys)
  const pairOf = ({ origin, target }: Attempt) => `${origin} ${target}`

  const change = (how: 'count' | 'giveBack') => (attempt: Attempt, nowMs: number) => {
    ofOrigins[how](attempt.origin, nowMs)
    if (attempt.isKnown) return
    atTargets[how](attempt.target, nowMs)
    asNewcomers[how](pairOf(attempt), nowMs)
  }

  return {
    waitMs(attempt, nowMs) {
      const ofOrigin = ofOrigins.waitMs(attempt.origin, nowMs)
      if (attempt.isKnown) return ofOrigin
      const isNewcomer = asNewcomers.waitMs(pairOf(attempt), nowMs) === 0
      return Math.max(ofOrigin, atTargets.waitMs(attempt.target, nowMs, isNewcomer ? 0 : perTarget.keptForNewcomers))
    },
    count: change('count'),
    giveBack: change('giveBack'),
  }
}
