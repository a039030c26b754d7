import test from 'ava'
import { count, formatBytes, formatDuration, formatMoment, percentOf } from '../../src/domain/quantities.ts'

test('Bytes are shown with at most three significant digits, in the largest unit with a digit before the point.', t => {
  const shown: Record<number, string> = {
    0: '0 B',
    999: '999 B',
    1000: '0.98 KiB',
    [9.99 * 1024]: '9.99 KiB',
    [9.996 * 1024]: '10 KiB',
    [12.34 * 1024]: '12.3 KiB',
    [99.94 * 1024]: '99.9 KiB',
    [99.96 * 1024]: '100 KiB',
    [999 * 1024]: '999 KiB',
    [999.6 * 1024]: '0.98 MiB',
    [5000 * 2 ** 40]: '5000 TiB',
  }
  for (const [bytes, text] of Object.entries(shown)) t.is(formatBytes(Number(bytes)), text)
})

test('A duration is shown in its two largest units, with tenths of a second below ten.', t => {
  const hour = 3600
  const shown: Record<number, string> = {
    0: '0 s',
    0.42: '0.4 s',
    9.94: '9.9 s',
    9.96: '10 s',
    59: '59 s',
    60: '1 min',
    61: '1 min 1 s',
    [hour - 1]: '59 min 59 s',
    [hour]: '1 h',
    [hour + 60]: '1 h 1 min',
    [24 * hour - 60]: '23 h 59 min',
    [24 * hour]: '1 d',
    [25 * hour]: '1 d 1 h',
  }
  for (const [seconds, text] of Object.entries(shown)) t.is(formatDuration(Number(seconds)), text)
})

test('A percentage is rounded down, and an empty total is 100 %.', t => {
  t.is(percentOf({ done: 999, total: 1000 }), 99)
  t.is(percentOf({ done: 7, total: 7 }), 100)
  t.is(percentOf({ done: 0, total: 0 }), 100)
  t.is(percentOf({ done: 0, total: 7 }), 0)
})

test('A count of one takes the singular, and every other count the plural.', t => {
  t.deepEqual(
    [0, 1, 2].map(n => count(n, 'piece')),
    ['0 pieces', '1 piece', '2 pieces'],
  )
  t.is(count(2, 'entry', 'entries'), '2 entries')
})

test('A moment is shown to the minute, in local time.', t => {
  t.is(formatMoment(new Date(2031, 0, 2, 3, 4, 59).getTime()), '2031-01-02 03:04')
})
