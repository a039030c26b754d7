// Everything this device has on offer: whole files from its shares, and what running downloads have verified. A share may
// be offered several times, by a file and by downloads of it; peers see the fullest offer. That choice is made when an
// offer comes or goes, not at each piece, because two downloads that fill side by side would keep changing places. The
// uploads actor holds a copy, and is given what it lacks: everything when it starts, and what it dropped after a failed read.

import type { Offer, UploadsCommand } from '../../machines/swarm-protocol.ts'

export interface OfferTable {
  add(offer: Offer): void
  remove(offer: Offer): void
  /** `offer.have` holds one more piece. */
  announce(offer: Offer, piece: number): void
  /** The one that peers see. */
  find(share: string): Offer | undefined
  /** Shares of which some pieces are here, but not all: what a heartbeat says this device is fetching. */
  partial(): string[]
  /** Gives the uploads actor the offers it lacks. */
  restock(): void
}

/** The latest of equals: a file that was shared again is read under the fingerprint it has now. */
const fullestOf = (offers: readonly Offer[]): Offer | undefined =>
  offers.findLast(({ have }) => offers.every(other => other.have.count <= have.count))

/** `tell` reaches the uploads actor while it runs; `hasIt` says whether that actor holds the offer. */
export function createOfferTable(
  tell: (command: UploadsCommand) => void,
  hasIt: (offer: Offer) => boolean = () => false,
): OfferTable {
  const offers = new Map<string, readonly Offer[]>()
  const shown = new Map<string, Offer>()

  const change = (share: string, offered: readonly Offer[]) => {
    if (offered.length > 0) offers.set(share, offered)
    else offers.delete(share)
    const before = shown.get(share)
    const now = fullestOf(offered)
    if (now === before) return
    if (now) shown.set(share, now)
    else shown.delete(share)
    // Peers that were told of pieces that the next offer lacks have to be told again what there is.
    if (before && !now?.have.isFull()) tell({ type: 'offer.removed', share })
    if (now) tell({ type: 'offer.added', offer: now })
  }
  const others = (offer: Offer) => (offers.get(offer.share) ?? []).filter(other => other !== offer)

  return {
    add: offer => change(offer.share, [...others(offer), offer]),
    remove: offer => change(offer.share, others(offer)),
    announce(offer, piece) {
      if (shown.get(offer.share) === offer) tell({ type: 'piece.available', share: offer.share, piece })
    },
    find: share => shown.get(share),
    partial: () => [...shown.values()].filter(offer => !offer.have.isFull()).map(offer => offer.share),
    restock() {
      for (const offer of shown.values()) if (!hasIt(offer)) tell({ type: 'offer.added', offer })
    },
  }
}
