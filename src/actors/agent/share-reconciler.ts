// Keeps the log's list of what this device shares equal to the records here. A share is announced until the trackers have
// it; one that the log lacks although it was announced was withdrawn, unless the log was restored from a back-up. The two
// are compared as a whole rarely: when the agent starts, and when a notice may concern them. What is left to tell after
// that is known by itself, and told without comparing again.

import { setImmediate as yieldToOthers } from 'node:timers/promises'
import { agentTunables } from '../../../config/agent.ts'
import { showable } from '../../domain/names.ts'
import type { RefusalCode } from '../../domain/refusal.ts'
import { isSameFingerprint } from '../../storage/fingerprint.ts'
import type { Library } from '../../storage/library.ts'
import type { ShareEntry, ShareName, ShareRecord } from '../../storage/library-shares.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import { eachPage } from '../client/ask-all.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import type { ShareOffers } from './share-offers.ts'
import { type ShareRecords, shareNameKey } from './share-records.ts'
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
const withdrawnElsewhere = ({ path, group }: ShareEntry) =>
  `it was withdrawn from elsewhere, you are no longer a member of ${group}, or these trackers never knew it; to share it again: ${showable(path)}`

const isSameEntry = (a: ShareEntry, b: ShareEntry) =>
  a.share === b.share && a.path === b.path && a.state === b.state && isSameFingerprint(a.fingerprint, b.fingerprint)

export class ShareReconciler {
  readonly #needs: ReconcilerNeeds
  #announceAgainAtMs = Number.NEGATIVE_INFINITY
  /** Records and log were compared since the log may last have changed. */
  #isCompared = false
  /** Shares may be left to announce. */
  #mayLack = false
  /** What the log has this device as a sharer of and should not: told when the trackers take it. */
  readonly #toRetract = new Map<string, ShareName>()

  constructor(needs: ReconcilerNeeds) {
    this.#needs = needs
  }

  /** Records and log agreed when they were last compared, and nothing has been left to tell since. */
  get isReconciled(): boolean {
    return this.#isCompared && !this.#mayLack && this.#toRetract.size === 0
  }

  /** Something here has yet to be told to the trackers. */
  markUnreconciled(): void {
    this.#mayLack = true
  }

  /** Compares records and log as a whole, and makes the log agree, as far as the trackers can be reached. */
  async reconcile(): Promise<void> {
    this.#isCompared = false
    // Set before the work: what happens meanwhile sets it back.
    this.#isCompared = await this.#compare()
    if (this.#isCompared) await this.#tellWhatIsLeft()
  }

  /** Tells what is left to tell, or else compares; as far as the trackers can be reached. */
  async settle(): Promise<void> {
    if (this.#isCompared) await this.#tellWhatIsLeft()
    else await this.reconcile()
  }

  /** Tells the trackers about a share that they do not have yet. False when it has to be tried again. */
  async announce(record: ShareRecord): Promise<boolean> {
    if (performance.now() < this.#announceAgainAtMs) return false
    const answer = await this.#needs.trackers.ask('share.add', { group: record.group, manifest: record.manifest })
    // Replaced meanwhile by a finished download, which the answer does not concern.
    const now = this.#needs.records.entry(record)
    if (!now || !isSameEntry(now, record)) return false
    if (answer.ok) this.#needs.records.setState(record, 'sharing')
    else if (isTemporary(answer.code)) {
      if (answer.code === 'too-many') this.#announceAgainAtMs = performance.now() + agentTunables.announceAgainMs
      return false
    } else this.#drop(record, answer.message)
    return true
  }

  /** Takes this device off a share in the log. False when it has to be tried again, which it will be. */
  async retract({ group, name }: ShareName): Promise<boolean> {
    const answer = await this.#needs.trackers.ask('share.remove', { group, name, devices: 'this' })
    const isTold = answer.ok || !isTemporary(answer.code)
    if (isTold) this.#toRetract.delete(shareNameKey({ group, name }))
    else this.#toRetract.set(shareNameKey({ group, name }), { group, name })
    return isTold
  }

  /** False when the trackers could not be asked. Leaves to tell what they should know. */
  async #compare(): Promise<boolean> {
    const { records, trackers, library, login, onSession } = this.#needs
    const session = await trackers.ask('agent.session', {})
    if (!session.ok) return false
    onSession?.(session.value)
    /** Ids of shares that records and log have in common. */
    const common = new Set<string>()
    const unknown: ShareName[] = []
    const asked = await eachPage(trackers, 'agent.shares', {}, async rows => {
      for (const { group, name, share } of rows) {
        const entry = records.entry({ group, name })
        if (!entry) unknown.push({ group, name })
        else if (entry.share === share) common.add(share)
      }
      await yieldToOthers()
    })
    if (!asked.ok) return false
    this.#toRetract.clear()
    const isRestored = library.logEpoch(login) !== 0 && trackers.epoch > library.logEpoch(login)
    let after: ShareName | undefined
    do {
      const page = records.page(after, agentTunables.sharesAtOnce)
      for (const entry of page) this.#compareOne(entry, common.has(entry.share), isRestored)
      after = page.at(-1)
      await yieldToOthers()
    } while (after)
    for (const name of unknown) if (!records.entry(name)) this.#toRetract.set(shareNameKey(name), name)
    return true
  }

  #compareOne(entry: ShareEntry, isInLog: boolean, isRestored: boolean): void {
    const { state } = entry
    if (state === 'announcing') this.#mayLack = true
    else if (state !== 'sharing') {
      if (isInLog) this.#toRetract.set(shareNameKey(entry), entry)
    } else if (!isInLog && isRestored) {
      // A restored log lacks what was shared after its back-up. Had the share been withdrawn since, that is lost too.
      this.#needs.records.setState(entry, 'announcing')
      this.#mayLack = true
    } else if (!isInLog) this.#drop(entry, withdrawnElsewhere(entry))
  }

  /** Stops at what the trackers do not take now. */
  async #tellWhatIsLeft(): Promise<void> {
    const { records, library, login, trackers } = this.#needs
    this.#mayLack = false
    for (const name of this.#toRetract.values()) {
      const { state } = records.entry(name) ?? {}
      // It is shared again since.
      if (state === 'sharing' || state === 'announcing') this.#toRetract.delete(shareNameKey(name))
      else if (!(await this.retract(name))) return
    }
    for (const name of records.announcing(agentTunables.announcedAtOnce)) {
      const record = records.get(name)
      if (record?.state === 'announcing' && !(await this.announce(record))) {
        this.#mayLack = true
        return
      }
    }
    if (records.announcing(1).length > 0) this.#mayLack = true
    if (this.isReconciled) library.saveLogEpoch(login, trackers.epoch)
  }

  /** Stops sharing it here, and tells the owner why. */
  #drop(entry: ShareEntry, why: string): void {
    const { troubles, offers, records } = this.#needs
    troubles.note(entry, why)
    offers.withhold(entry)
    records.remove(entry)
    offers.release(entry)
  }
}
