// A position in the log that can be compared across a restore. A new log counts its entries from its own start, so a
// sequence alone does not tell which position is later. A log's epoch is when its stream was created; a restored log is
// always created later than the one it was restored from (cluster/backup.ts ensures that).

export interface LogPosition {
  /** ms since 1970 by the brokers' clock; 0: unknown, treated as equal to any other epoch. */
  readonly epoch: number
  readonly seq: number
}

export const epochOf = (streamCreated: string): number => {
  const epoch = Date.parse(streamCreated)
  return Number.isSafeInteger(epoch) && epoch > 0 ? epoch : 0
}

export const isLater = (a: LogPosition, b: LogPosition): boolean =>
  a.epoch === b.epoch || a.epoch === 0 || b.epoch === 0 ? a.seq > b.seq : a.epoch > b.epoch
