// One fuzz target, and the assertion that targets use.

export interface Target {
  readonly name: string
  /** JSON values for the mutator to start from; some of them are accepted. */
  readonly valid: readonly unknown[]
  /** The share of other targets' cases that an expensive target runs. */
  readonly share?: number
  /** True when the target accepted it. */
  take(bytes: Buffer): boolean | Promise<boolean>
}

export function demand(holds: boolean, otherwise: string): void {
  if (!holds) throw new Error(otherwise)
}

/** Shoal's messages never nest deeper; a value passed on unread may, and cannot be compared by recursion. */
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
