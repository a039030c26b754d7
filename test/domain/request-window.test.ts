import test from 'ava'
import { createRequestWindow } from '../../src/domain/request-window.ts'

const windowOf = () => createRequestWindow({ pieceLength: 1000, aheadMs: 500, leastPieces: 4, mostPieces: 64 })

/** A piece every so many ms. */
function fill(everyMs: number, untilMs: number, window = windowOf()) {
  for (let nowMs = 0; nowMs <= untilMs; nowMs += everyMs) window.received(1000, nowMs)
  return window
}

test('At first, and with slow peers, the window is the smallest.', t => {
  t.is(windowOf().pieces, 4)
  t.is(fill(500, 5_000).pieces, 4)
})

test('The window holds what arrives in half a second.', t => {
  const { pieces } = fill(25, 5_000)
  t.true(pieces >= 19 && pieces <= 22)
})

test('The window never exceeds what memory allows.', t => {
  t.is(fill(1, 1_000).pieces, 64)
})

test('The window grows within a second, and is not misled by a burst at the start.', t => {
  t.true(fill(25, 400).pieces > 12)
  const window = windowOf()
  for (let piece = 0; piece < 4; piece += 1) window.received(1000, 0.1 * piece)
  t.true(window.pieces <= 20)
})

test('The window shrinks when less arrives.', t => {
  const window = fill(10, 2_000)
  for (let nowMs = 2_200; nowMs < 6_000; nowMs += 200) window.received(1000, nowMs)
  t.true(window.pieces <= 5)
})
