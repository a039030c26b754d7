// Runs the share registry's two jobs as an actor: checking the shared files, and telling the trackers. When it starts, it
// checks all files and compares all shares with the log; then it checks what has changed and some of the rest, and tells
// what is new. An offer that could not be read is offered again at the next regular check, not sooner.

import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import { agentTunables, fileCheckTunables } from '../../../config/agent.ts'
import { createRerun } from '../../domain/rerun.ts'
import { unlessBusy } from '../../domain/unless-busy.ts'
import type { ShareRegistryEvent } from '../../machines/session-services.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'

export const createShareRegistryActor = (
  shareRegistry: Pick<
    ShareRegistry,
    'check' | 'checkNext' | 'checkChanged' | 'checkUnreadable' | 'reconcile' | 'settle' | 'isReconciled'
  >,
  offers: Pick<OfferTable, 'restock'>,
  log: Logger,
) =>
  fromCallback<ShareRegistryEvent>(({ receive }) => {
    let hasEnded = false
    const report = (error: unknown) => {
      if (!hasEnded) log.error({ err: error }, 'checking the shares failed; it is tried again')
    }

    const check = async (files: () => Promise<void>) => {
      await files().catch(report)
      if (!hasEnded) offers.restock()
    }
    const regularly = unlessBusy(() => check(() => shareRegistry.checkNext()))
    // Also while an earlier one waits for a file that is hashed again.
    const lookAtChanged = () => shareRegistry.checkChanged().catch(report)
    const settle = unlessBusy(() => shareRegistry.settle().catch(report))
    const reconcile = createRerun(() => shareRegistry.reconcile().catch(report))

    receive(event => {
      if (event.type === 'offer.failed') shareRegistry.checkUnreadable(event.share).catch(report)
      else if (event.type === 'notices.missed' || concernsOwnShares(event.notice.type)) reconcile()
    })
    let checking: NodeJS.Timeout | undefined
    check(() => shareRegistry.check()).then(() => {
      if (!hasEnded) checking = setInterval(regularly, fileCheckTunables.everyMs)
    })
    const looking = setInterval(lookAtChanged, fileCheckTunables.changedEveryMs)
    const settling = setInterval(() => {
      if (!shareRegistry.isReconciled) settle()
    }, agentTunables.settleSharesEveryMs)
    reconcile()
    return () => {
      hasEnded = true
      clearInterval(checking)
      clearInterval(looking)
      clearInterval(settling)
    }
  })

/** Notices of `access.revoked` reach this actor only when they are about this user. */
const concernsOwnShares = (notice: string) =>
  notice === 'sharing.ended' || notice === 'member.removed' || notice === 'access.revoked'
