// Numbers as people read them. Sizes are decimal (1 MB is 1,000,000 bytes), as in the command line.

const units = ['B', 'kB', 'MB', 'GB', 'TB', 'PB']

export function bytes(count: number): string {
  let value = count
  let unit = 0
  while (value >= 999.5 && unit < units.length - 1) {
    value /= 1000
    unit += 1
  }
  const digits = unit === 0 || value >= 99.5 ? 0 : value >= 9.95 ? 1 : 2
  return `${value.toFixed(digits)} ${units[unit]}`
}

export const rate = (bytesPerSecond: number): string => `${bytes(bytesPerSecond)}/s`

const grouped = new Intl.NumberFormat('en')
export const count = (value: number): string => grouped.format(value)

export const percent = (part: number, whole: number): string =>
  // Never 100 before the end, nor 0 after the beginning.
  whole === 0 || part >= whole
    ? '100%'
    : `${Math.min(99, Math.max(part > 0 ? 1 : 0, Math.round((100 * part) / whole)))}%`

export function duration(seconds: number): string {
  if (!Number.isFinite(seconds)) return '–'
  if (seconds < 1) return `${Math.max(0, Math.round(seconds * 1000))} ms`
  if (seconds < 60) return `${Math.round(seconds)} s`
  const minutes = Math.floor(seconds / 60)
  if (minutes < 60) return `${minutes} min ${Math.round(seconds % 60)} s`
  const hours = Math.floor(minutes / 60)
  if (hours < 48) return `${hours} h ${minutes % 60} min`
  return `${Math.floor(hours / 24)} days`
}

const clock = new Intl.DateTimeFormat('en-GB', { hour: '2-digit', minute: '2-digit', second: '2-digit' })
export const timeOfDay = (ms: number): string => clock.format(ms)
export const timeOfDayMs = (ms: number): string =>
  `${clock.format(ms)}.${String(Math.floor(ms % 1000)).padStart(3, '0')}`
