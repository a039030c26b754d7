// Who may try something again, and when: passwords of an account, signing up. Slowed are an origin, whatever it tries,
// and a target, whoever tries it; but part of what a target allows is kept for newcomers, origins that have not tried it
// much, so that nobody who tries for ever keeps out somebody who comes from elsewhere. An origin that the target knows is
// slowed by its own attempts alone. Attempts that were not allowed change nothing. Time is handed in, in ms.

import { RecentMap } from './recent-map.ts'

/** So many at once after a quiet while, and then one more each time. */
export interface Allowance {
  readonly atOnce: number
  readonly everyMs: number
}

export interface AttemptLimits {
  readonly perOrigin: Allowance
  readonly perTarget: Allowance & { readonly keptForNewcomers: number }
  /** Attempts of one origin at one target, for which it counts as a newcomer there. */
  readonly newcomer: Allowance
}

export interface Attempt {
  /** Where it comes from: see domain/origin.ts. */
  readonly origin: string
  readonly target: string
  /** The target is at home there. */
  readonly isKnown: boolean
}

export interface Attempts {
  /** 0: it may be made now. Otherwise how long until it may, if nobody makes another one meanwhile. */
  waitMs(attempt: Attempt, nowMs: number): number
  /** It is made, here or wherever else the same attempts are counted. */
  count(attempt: Attempt, nowMs: number): void
  /** One that was counted is not to be: it was right, or came to nothing. */
  giveBack(attempt: Attempt, nowMs: number): void
}

/** What each key has used of the same allowance, kept as the time from which it has all of it again. */
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
    /** Counted elsewhere at the same moment, more may have been made than there were: nobody waits longer for that. */
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
