// What this device serves right now: as the trackers are asked about it, and as watchers see it.

import { inspectionTunables } from '../../../config/inspection.ts'
import type { UploadsPort } from '../../machines/uploads-port.ts'
import type { ServedShare } from '../../wire/tracker-api.ts'
import type { Content } from '../inspection/inspection-publisher.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'

/** The shares that peers are being served, and who they are. */
export const servedShares = (
  { peers }: Pick<UploadsPort, 'peers'>,
  offers: Pick<OfferTable, 'find'>,
  registry: Pick<ShareRegistry, 'isRecorded'>,
): ServedShare[] =>
  [...Map.groupBy(peers, ({ ticket }) => ticket.share)].flatMap(([share, served]) => {
    const offer = offers.find(share)
    if (!offer) return []
    const file = { share, group: offer.group, name: offer.manifest.name }
    return [{ ...file, isRecorded: registry.isRecorded(file), holders: served.map(({ holder }) => holder) }]
  })

/** `limit`: this device's upload limit in bytes a second; null is none. Peers beyond what a message holds are left out. */
export const showServing = (
  { peers, servedBytes }: Pick<UploadsPort, 'peers' | 'servedBytes'>,
  offers: Pick<OfferTable, 'find'>,
  limit: number | null,
): Extract<Content, { kind: 'serving' }> => ({
  kind: 'serving',
  limit,
  bytesServed: servedBytes,
  links: peers.slice(0, inspectionTunables.mostServedShown).flatMap(({ holder, ticket, via }) => {
    const offer = offers.find(ticket.share)
    return offer ? [{ ...holder, group: offer.group, name: offer.manifest.name, via }] : []
  }),
})
