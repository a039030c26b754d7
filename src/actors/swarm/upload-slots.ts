// Runs the choker with a clock, once for all upload sessions of a device. Tells a session as soon as it may serve a piece or
// shall unchoke its peer, whichever session's event made that possible.

import { uploadTunables } from '../../../config/swarm.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import { type Answer, createChoker } from '../../domain/choker.ts'

export interface SlotHolder {
  serve(piece: number): void
  unchoke(): void
}

export interface UploadSlots {
  open(id: string, share: string, own: Bitfield, holder: SlotHolder): void
  close(id: string): void
  /** An accepted piece is followed by `serve` once a slot is free, or by nothing once it is `settled`. */
  ask(id: string, piece: number): Answer
  settled(id: string, piece: number): void
  passed(id: string): void
  freshOf(id: string): Bitfield | undefined
}

export function createUploadSlots(now: () => number = () => performance.now()): UploadSlots {
  const choker = createChoker(uploadTunables)
  const holders = new Map<string, SlotHolder>()
  let timer: NodeJS.Timeout | undefined
  let isPlanned = false

  const assign = () => {
    isPlanned = false
    clearTimeout(timer)
    timer = undefined
    for (const step of choker.next(now())) {
      const holder = holders.get(step.session)
      if (step.type === 'unchoke') holder?.unchoke()
      else holder?.serve(step.piece)
    }
    const at = choker.wakeAtMs(now())
    if (at !== undefined) timer = setTimeout(assign, at - now() + 1).unref()
  }
  // Later: the session must first note the answer that it was given.
  const plan = () => {
    if (!isPlanned) queueMicrotask(assign)
    isPlanned = true
  }

  return {
    open(id, share, own, holder) {
      holders.set(id, holder)
      choker.opened(id, share, own)
    },
    close(id) {
      holders.delete(id)
      choker.closed(id)
      plan()
    },
    ask(id, piece) {
      const answer = choker.asked(id, piece, now())
      plan()
      return answer
    },
    settled(id, piece) {
      choker.settled(id, piece, now())
      plan()
    },
    passed(id) {
      choker.passed(id, now())
      plan()
    },
    freshOf: id => choker.freshOf(id),
  }
}
