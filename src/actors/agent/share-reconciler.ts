// Keeps the log's list of what this device shares equal to the records here. A share is announced until the trackers have
// it; one that the log lacks although it was announced was withdrawn, unless the log was restored from a back-up.

import { agentTunables } from '../../../config/agent.ts'
import { showable } from '../../domain/names.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import type { Library } from '../../storage/library.ts'
import type { ShareRecord } from '../../storage/library-shares.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import { askAll } from '../client/ask-all.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { ShareOffers } from './share-offers.ts'
import { type ShareName, type ShareRecords, shareNameKey } from './share-records.ts'
import type { ShareTroubles } from './share-troubles.ts'

export interface ReconcilerNeeds {
  readonly records: ShareRecords
  readonly offers: ShareOffers
  readonly troubles: ShareTroubles
  readonly trackers: Pick<TrackerClient, 'ask' | 'epoch'>
  /** Remembers the log's epoch per login. */
  readonly library: Pick<Library, 'logEpoch' | 'saveLogEpoch'>
  /** Identifies this device's login: a restored cluster knows it, another cluster never does. */
  readonly login: string
  /** Called with what the trackers say about this device, each time they were asked. */
  readonly onSession?: ((session: AgentSession) => void) | undefined
}

/** The trackers or brokers were away, or too much was written lately: the same request may succeed later. */
export const isTemporary = (code: RefusalCode): boolean =>
  code === 'unreachable' || code === 'no-quorum' || code === 'too-many'

/** The trackers do not say which of these it was. The file itself is still there. */
const withdrawnElsewhere = ({ path, group }: ShareRecord) =>
  `it was withdrawn from elsewhere, you are no longer a member of ${group}, or these trackers never knew it; to share it again: ${showable(path)}`

export class ShareReconciler {
  readonly #needs: ReconcilerNeeds
  #announceAgainAtMs = Number.NEGATIVE_INFINITY
  #isReconciled = false

  constructor(needs: ReconcilerNeeds) {
    this.#needs = needs
  }

  /** Records and log agreed when they were last compared, and nothing has been left to tell since. */
  get isReconciled(): boolean {
    return this.#isReconciled
  }

  /** Something here has yet to be told to the trackers. */
  markUnreconciled(): void {
    this.#isReconciled = false
  }

  /** Makes the log agree with the records, as far as the trackers can be reached. */
  async reconcile(): Promise<void> {
    const { records, library, login, trackers, onSession } = this.#needs
    const session = await trackers.ask('agent.session', {})
    if (!session.ok) return
    onSession?.(session.value)
    const shares = await askAll(trackers, 'agent.shares', {})
    if (!shares.ok) return
    // Set before the work: what happens meanwhile sets it back.
    this.#isReconciled = true
    const isRestored = library.logEpoch(login) !== 0 && trackers.epoch > library.logEpoch(login)
    const logged = new Map(shares.value.map(share => [shareNameKey(share), share]))
    let isSettled = true
    for (const found of records.all()) {
      // A download may have finished meanwhile and replaced it.
      const record = records.get(found) ?? found
      const inLog = logged.get(shareNameKey(record))?.share === record.share
      isSettled = (await this.#reconcileOne(record, inLog, isRestored)) && isSettled
      logged.delete(shareNameKey(record))
    }
    for (const unknown of logged.values()) isSettled = (await this.retract(unknown)) && isSettled
    this.#isReconciled &&= isSettled
    if (isSettled) library.saveLogEpoch(login, trackers.epoch)
  }

  /** Tells the trackers about a share that they do not have yet. False when it has to be tried again. */
  async announce(record: ShareRecord): Promise<boolean> {
    if (performance.now() < this.#announceAgainAtMs) return false
    const answer = await this.#needs.trackers.ask('share.add', { group: record.group, manifest: record.manifest })
    // Replaced meanwhile by a finished download, which the answer does not concern.
    if (this.#needs.records.get(record) !== record) return false
    if (answer.ok) this.#needs.records.setState(record, 'sharing')
    else if (isTemporary(answer.code)) {
      if (answer.code === 'too-many') this.#announceAgainAtMs = performance.now() + agentTunables.announceAgainMs
      return false
    } else this.#drop(record, answer.message)
    return true
  }

  /** Takes this device off a share in the log. False when it has to be tried again. */
  async retract({ group, name }: ShareName): Promise<boolean> {
    const answer = await this.#needs.trackers.ask('share.remove', { group, name, devices: 'this' })
    return answer.ok || !isTemporary(answer.code)
  }

  /** True when nothing is left to tell. */
  async #reconcileOne(record: ShareRecord, isInLog: boolean, isRestored: boolean): Promise<boolean> {
    const { state } = record
    if (state === 'announcing') return this.announce(record)
    if (state !== 'sharing') return isInLog ? this.retract(record) : true
    if (isInLog) return true
    // A restored log lacks what was shared after its back-up. Had the share been withdrawn since, that is lost too.
    if (isRestored) return this.announce(record)
    this.#drop(record, withdrawnElsewhere(record))
    return true
  }

  /** Stops sharing it here, and tells the owner why. */
  #drop(record: ShareRecord, why: string): void {
    const { troubles, offers, records } = this.#needs
    troubles.note(record, why)
    offers.remove(record)
    records.remove(record)
  }
}
