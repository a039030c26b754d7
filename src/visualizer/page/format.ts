// Counts and times of day as the page shows them; sizes, rates and durations are those of domain/quantities.ts.

const grouped = new Intl.NumberFormat('en')
export const count = (value: number): string => grouped.format(value)

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
export const timeOfDay = (ms: number): string => clock.format(ms)
export const timeOfDayMs = (ms: number): string =>
  `${clock.format(ms)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
