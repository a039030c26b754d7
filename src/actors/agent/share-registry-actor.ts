// Runs the share registry's two jobs as an actor: checking the shared files, and reconciling with the log. Both run when it
// starts, when an event concerns them, and regularly. An offer that could not be read is offered again at the next check
// of all files, not sooner.

import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { uploadTunables } from '../../../config/swarm.ts'
import { createRerun } from '../../domain/rerun.ts'
import type { ShareRegistryEvent } from '../../machines/session-services.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'

export const createShareRegistryActor = (
  shareRegistry: Pick<ShareRegistry, 'check' | 'reconcile' | 'isReconciled'>,
  offers: Pick<OfferTable, 'restock'>,
  log: Logger,
) =>
  fromCallback<ShareRegistryEvent>(({ receive }) => {
    let isChecking = false
    let hasEnded = false
    const report = (error: unknown) => {
      if (!hasEnded) log.error({ err: error }, 'checking the shares failed; it is tried again')
    }

    const checkAll = async () => {
      if (isChecking) return
      isChecking = true
      await shareRegistry.check().catch(report)
      if (!hasEnded) offers.restock()
      isChecking = false
    }
    const reconcile = createRerun(() => shareRegistry.reconcile().catch(report))

    receive(event => {
      if (event.type === 'offer.failed') shareRegistry.check(event.share).catch(report)
      else if (event.type === 'notices.missed' || concernsOwnShares(event.notice.type)) reconcile()
    })
    const checking = setInterval(checkAll, uploadTunables.checkFilesEveryMs)
    const settling = setInterval(() => {
      if (!shareRegistry.isReconciled) reconcile()
    }, agentTunables.settleSharesEveryMs)
    checkAll()
    reconcile()
    return () => {
      hasEnded = true
      clearInterval(checking)
      clearInterval(settling)
    }
  })

/** Notices of `access.revoked` reach this actor only when they are about this user. */
const concernsOwnShares = (notice: string) =>
  notice === 'sharing.ended' || notice === 'member.removed' || notice === 'access.revoked'
