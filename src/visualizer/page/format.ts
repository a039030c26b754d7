// Counts and times of day as the page shows them; sizes, rates and durations are formatted by domain/quantities.ts.

const number = new Intl.NumberFormat('en')
export const formatCount = (value: number): string => number.format(value)

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
/** `ms` since 1970; "14:03:07" */
export const formatTime = (ms: number): string => clock.format(ms)
/** "14:03:07.042" */
export const formatTimeMs = (ms: number): string =>
  `${clock.format(ms)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
