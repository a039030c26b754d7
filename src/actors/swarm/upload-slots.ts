// The upload schedule at work: one for all server links of a device, with a clock. A link that may serve a piece, or
// whose peer is to be called, is told so at once, whichever link's event made it possible.

import { uploadTunables } from '../../../config/swarm.ts'
import type { Bitfield } from '../../domain/bitfield.ts'
import { type Answer, createChoker } from '../../domain/choker.ts'

export interface UploadLink {
  serve(piece: number): void
  call(): void
}

export interface UploadSlots {
  open(id: string, share: string, own: Bitfield, link: UploadLink): void
  close(id: string): void
  /** Accepted, it is followed by `serve` when its turn comes, or by nothing once it is `settled`. */
  ask(id: string, piece: number): Answer
  settled(id: string, piece: number): void
  passed(id: string): void
  freshOf(id: string): Bitfield | undefined
}

export function createUploadSlots(now: () => number = () => performance.now()): UploadSlots {
  const schedule = createChoker(uploadTunables)
  const links = new Map<string, UploadLink>()
  let timer: NodeJS.Timeout | undefined
  let isPlanned = false

  const giveTurns = () => {
    isPlanned = false
    clearTimeout(timer)
    timer = undefined
    for (const turn of schedule.next(now())) {
      const link = links.get(turn.link)
      if (turn.type === 'call') link?.call()
      else link?.serve(turn.piece)
    }
    const at = schedule.wakeAtMs(now())
    if (at !== undefined) timer = setTimeout(giveTurns, at - now() + 1).unref()
  }
  // After the link has noted the answer that makes a turn possible.
  const plan = () => {
    if (!isPlanned) queueMicrotask(giveTurns)
    isPlanned = true
  }

  return {
    open(id, share, own, link) {
      links.set(id, link)
      schedule.opened(id, share, own)
    },
    close(id) {
      links.delete(id)
      schedule.closed(id)
      plan()
    },
    ask(id, piece) {
      const answer = schedule.asked(id, piece, now())
      plan()
      return answer
    },
    settled(id, piece) {
      schedule.settled(id, piece, now())
      plan()
    },
    passed(id) {
      schedule.passed(id, now())
      plan()
    },
    freshOf: schedule.freshOf,
  }
}
