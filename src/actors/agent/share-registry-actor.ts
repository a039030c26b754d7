// The shareRegistry of shares as an actor: looks at the shared files and at the log when it starts, when something was heard
// that concerns them, and on and on; whatever could not be settled is tried again. So is whatever the serving desk could
// not read and has dropped, what running downloads have included: at the next look, and not at once.

import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import { agentTunables } from '../../../config/agent.ts'
import { uploadTunables } from '../../../config/swarm.ts'
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
    let isReconciling = false
    let isWantedAgain = false

    let hasEnded = false

    const report = (error: unknown) => {
      if (!hasEnded) log.error({ err: error }, 'looking after the shares failed; it is tried again')
    }
    const check = async () => {
      if (isChecking) return
      isChecking = true
      await shareRegistry.check().catch(report)
      if (!hasEnded) offers.restock()
      isChecking = false
    }
    const reconcile = async () => {
      if (isReconciling) {
        isWantedAgain = true
        return
      }
      isReconciling = true
      do {
        isWantedAgain = false
        await shareRegistry.reconcile().catch(report)
      } while (isWantedAgain)
      isReconciling = false
    }

    receive(event => {
      if (event.type === 'offer.failed') shareRegistry.check(event.share).catch(report)
      else if (event.type === 'notices.missed' || concernsOurShares(event.notice.type)) reconcile()
    })
    const checking = setInterval(check, uploadTunables.checkFilesEveryMs)
    const settling = setInterval(() => {
      if (!shareRegistry.isReconciled) reconcile()
    }, agentTunables.settleSharesEveryMs)
    check()
    reconcile()
    return () => {
      hasEnded = true
      clearInterval(checking)
      clearInterval(settling)
    }
  })

/** `access.revoked` comes as a notice only when it is this person's. */
const concernsOurShares = (notice: string) =>
  notice === 'sharing.ended' || notice === 'member.removed' || notice === 'access.revoked'
