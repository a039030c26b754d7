// A place in the log that can be compared over a restore: a log that was made anew counts its entries from its own
// start, so a sequence alone says nothing about which is later. A log's epoch is when its stream was made, and a
// restored one is always made later than what it was restored from (cluster/backup.ts sees to that).

export interface LogPosition {
  /** ms since 1970 by the brokers; 0: not known, which is taken for the epoch of whatever it is compared with. */
  readonly epoch: number
  readonly seq: number
}

export const epochOf = (streamCreated: string): number => {
  const epoch = Date.parse(streamCreated)
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0
}

export const isLater = (a: LogPosition, b: LogPosition): boolean =>
  a.epoch === b.epoch || a.epoch === 0 || b.epoch === 0 ? a.seq > b.seq : a.epoch > b.epoch
