// Everything this device has on offer: whole files from its shares, and what running downloads have verified. The
// serving desk works from a copy, and is told again what that lacks: everything when it starts anew, and what it dropped
// because it could not be read for somebody. One offer a share: a later one takes the earlier one's place without a gap,
// and taking back an offer that was replaced changes nothing.

import type { Offer, ServingDeskCommand } from '../../machines/swarm-protocol.ts'

export interface OfferBook {
  add(offer: Offer): void
  remove(offer: Offer): void
  /** `offer.have` holds one more piece. */
  announce(offer: Offer, piece: number): void
  find(share: string): Offer | undefined
  /** Shares of which some pieces are here, but not all: what a beat says this device is fetching. */
  partial(): string[]
  /** Tells the desk what it lacks. */
  restock(): void
}

/** `tell` reaches the serving desk, if one runs; `hasIt`: the offer is there. */
export function createOfferBook(
  tell: (command: ServingDeskCommand) => void,
  hasIt: (offer: Offer) => boolean = () => false,
): OfferBook {
  const offers = new Map<string, Offer>()
  return {
    add(offer) {
      offers.set(offer.share, offer)
      tell({ type: 'offer.added', offer })
    },
    remove(offer) {
      if (offers.get(offer.share) !== offer) return
      offers.delete(offer.share)
      tell({ type: 'offer.removed', share: offer.share })
    },
    announce(offer, piece) {
      if (offers.get(offer.share) === offer) tell({ type: 'piece.available', share: offer.share, piece })
    },
    find: share => offers.get(share),
    partial: () => [...offers.values()].filter(offer => !offer.have.isFull()).map(offer => offer.share),
    restock() {
      for (const offer of offers.values()) if (!hasIt(offer)) tell({ type: 'offer.added', offer })
    },
  }
}
