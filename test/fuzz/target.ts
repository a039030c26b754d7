// One thing that is fuzzed, and what each of them needs to say that it is wrong.

export interface Target {
  readonly name: string
  /** JSON values of which some are taken, for the mutator to begin with. */
  readonly valid: readonly unknown[]
  /** Of the cases of the others, for one that is dear. */
  readonly share?: number
  /** True when it was taken. */
  take(bytes: Buffer): boolean | Promise<boolean>
}

export function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

/** Nothing of ours nests deeper; what is passed on unread may, and then it cannot be compared by recursion. */
export const deepest = 50

export function isDeep(value: unknown): boolean {
  let level = [value]
  for (let depth = 0; level.length > 0; depth += 1) {
    if (depth > deepest) return true
    level = level
      .filter(each => typeof each === 'object' && each !== null)
      .flatMap(each => Object.values(each as object))
  }
  return false
}
