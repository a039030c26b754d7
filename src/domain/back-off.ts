// How long to wait before an attempt is repeated: doubling from a first wait up to a longest one.

export interface BackOff {
  readonly firstMs: number
  readonly mostMs: number
}

/** After that many failures in a row: 0 before the first. */
export const backOffMs = ({ firstMs, mostMs }: BackOff, failures: number): number =>
  failures <= 0 ? 0 : Math.min(firstMs * 2 ** (failures - 1), mostMs)

/**
 * A wait in the upper half of `ms`, chosen at random, so that many that failed at one moment do not come back at one.
 * AWS calls this "equal jitter" (Exponential Backoff And Jitter, 2015). `random` is from 0 up to 1.
 */
export const withJitter = (ms: number, random: () => number = Math.random): number => ms * (0.5 + random() / 2)
