// Everything this device has on offer: whole files from its shares, and what running downloads have verified. A share may
// be offered several times, by a file and by downloads of it; peers see the fullest offer. That choice is made when an
// offer comes or goes, not at each piece, because two downloads that fill side by side would keep changing places. Only
// what downloads offer is held here: the offer of a file is found when it is asked for, since there may be very many.
// The uploads actor holds what downloads offer as well, and is given what it lacks: everything when it starts, and what it
// dropped after a failed read.

import type { Offer, UploadsCommand } from '../../machines/swarm-protocol.ts'

export interface OfferTable {
  add(offer: Offer): void
  remove(offer: Offer): void
  /** The share's file is no longer on offer, and no longer found. */
  removeFile(share: string): void
  /** `offer.have` holds one more piece. */
  announce(offer: Offer, piece: number): void
  /** The one that peers see. */
  find(share: string): Offer | undefined
  /** Shares of which some pieces are here, but not all: what a heartbeat says this device is fetching. */
  partial(): string[]
  /** Gives the uploads actor the offers it lacks. */
  restock(): void
}

export interface OfferTableNeeds {
  /** Whether the uploads actor holds the offer. */
  hasIt?(offer: Offer): boolean
  /** The offer of a share's file; findable. */
  findFile?(share: string): Offer | undefined
}

/** What is offered of one share, and the offer that peers see. */
interface Offered {
  readonly all: readonly Offer[]
  readonly shown: Offer | undefined
}

const nothing: Offered = { all: [], shown: undefined }

/** The latest of equals: a file that was shared again is read under the fingerprint it has now. */
const fullestOf = (offers: readonly Offer[]): Offer | undefined =>
  offers.findLast(({ have }) => offers.every(other => other.have.count <= have.count))

/** `tell` reaches the uploads actor while it runs. */
export function createOfferTable(
  tell: (command: UploadsCommand) => void,
  { hasIt = () => false, findFile = () => undefined }: OfferTableNeeds = {},
): OfferTable {
  /** Of the shares that downloads offer, together with the offer of the file, if there is one. */
  const offered = new Map<string, Offered>()

  const find = (share: string): Offered => {
    const held = offered.get(share)
    if (held) return held
    const file = findFile(share)
    return file ? { all: [file], shown: file } : nothing
  }
  const change = (share: string, before: Offered, all: readonly Offer[]) => {
    const now = { all, shown: fullestOf(all) }
    if (all.some(({ isFindable }) => !isFindable)) offered.set(share, now)
    else offered.delete(share)
    if (now.shown === before.shown) return
    // Peers that were told of pieces that the next offer lacks have to be told again what there is.
    if (before.shown && !now.shown?.have.isFull()) tell({ type: 'offer.removed', share })
    if (now.shown) tell({ type: 'offer.added', offer: now.shown })
  }

  return {
    add(offer) {
      const { share, isFindable } = offer
      // The file of this offer is what would be found by now; whichever it replaces, peers have to be given this one.
      const before = isFindable ? (offered.get(share) ?? nothing) : find(share)
      const others = before.all.filter(other => other !== offer && !(isFindable && other.isFindable))
      change(share, before, [...others, offer])
    },
    remove(offer) {
      const before = find(offer.share)
      change(
        offer.share,
        before,
        before.all.filter(other => other !== offer),
      )
    },
    removeFile(share) {
      const before = offered.get(share)
      if (!before) return tell({ type: 'offer.removed', share })
      change(
        share,
        before,
        before.all.filter(({ isFindable }) => !isFindable),
      )
    },
    announce(offer, piece) {
      if (offered.get(offer.share)?.shown === offer) tell({ type: 'piece.available', share: offer.share, piece })
    },
    find: share => find(share).shown,
    partial: () => [...offered].filter(([, { shown }]) => shown && !shown.have.isFull()).map(([share]) => share),
    restock() {
      for (const { shown } of offered.values())
        if (shown && !shown.isFindable && !hasIt(shown)) tell({ type: 'offer.added', offer: shown })
    },
  }
}
