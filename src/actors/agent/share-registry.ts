// What this device shares, in the library, on offer and in the log, and that the three agree. A file is on offer only
// while its fingerprint is the one it was hashed under; one that changed or vanished leaves sharing mode, and its owner
// is told (`troubles`). A share is told to the trackers until they have it; one that they lack later was withdrawn.

import { realpath, stat } from 'node:fs/promises'
import { basename } from 'node:path'
import type { Logger } from 'pino'
import { agentTunables } from '../../../config/agent.ts'
import { fullBitfield } from '../../domain/bitfield.ts'
import { type Manifest, pieceCount, shareId } from '../../domain/manifest.ts'
import { parseFileName, showable } from '../../domain/names.ts'
import { done, type Outcome, type RefusalCode } from '../../domain/refusal.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { type Fingerprint, fingerprintOf, isSameFingerprint } from '../../storage/fingerprint.ts'
import type { Library } from '../../storage/library.ts'
import type { ShareRecord, ShareState } from '../../storage/library-shares.ts'
import type { AgentParams, AgentResult } from '../../wire/agent-api.ts'
import type { AgentSession } from '../../wire/tracker-api.ts'
import { askAll } from '../client/ask-all.ts'
import type { TrackerClient } from '../client/tracker-client.ts'
import { type HashedFile, type HashingOptions, hashFile } from './hashing.ts'
import type { OfferTable } from './offer-table.ts'
import { createOpenFiles } from './open-files.ts'

export interface Trouble {
  /** Group and name. */
  readonly file: string
  readonly message: string
}

export interface ShareRegistry {
  share(params: AgentParams<'share'>, options: HashingOptions): Promise<Outcome<AgentResult<'share'>>>
  unshare(params: AgentParams<'unshare'>): Promise<Outcome<AgentResult<'unshare'>>>
  /** A finished download: recorded and on offer at once, told to the trackers as soon as they listen. */
  adopt(file: Omit<ShareRecord, 'state'>): void
  /** Makes library and log agree, or as much of it as can be done now. */
  reconcile(): Promise<void>
  /** Library and log agreed at the last look, and nothing was adopted since. */
  readonly isReconciled: boolean
  /** Looks at every file, or at one that could not be read. Rejects when the shareRegistry is closed meanwhile. */
  check(share?: string): Promise<void>
  /** The trackers said that this device shares it. */
  isRecorded(file: Pick<ShareRecord, 'group' | 'name' | 'share'>): boolean
  /** Files on offer. */
  readonly sharing: number
  /** Files that are not shared any more without their owner having said so, and why, latest last. */
  readonly troubles: readonly Trouble[]
  close(): Promise<void>
}

export interface ShareRegistryNeeds {
  readonly user: string
  /** Names this device's log-in: another cluster never knows it, a restored one does. */
  readonly login: string
  readonly library: Library
  readonly trackers: TrackerClient
  readonly offers: OfferTable
  readonly log: Logger
  /** Told what the trackers say of this device, whenever they were asked. */
  heardSession?(session: AgentSession): void
}

/** Trackers or brokers were away, or too much was written lately: the same request may well succeed later. */
const isPassing = (code: RefusalCode) => code === 'unreachable' || code === 'no-quorum' || code === 'too-many'
/** A person reads the last few. */
const keptTroubles = 20

type FileState = 'same' | 'changed' | 'vanished'

/** What is called with an action runs it once the earlier ones have ended, however they did. */
function oneAfterAnother() {
  let last: Promise<unknown> = Promise.resolve()
  return <T>(action: () => Promise<T>): Promise<T> => {
    const result = last.then(action)
    last = result.catch(() => {})
    return result
  }
}

async function lookAt(path: string, fingerprint: Fingerprint): Promise<FileState> {
  try {
    return isSameFingerprint(fingerprintOf(await stat(path, { bigint: true })), fingerprint) ? 'same' : 'changed'
  } catch {
    return 'vanished'
  }
}

/** Which of these it was, nobody can tell from here; the file itself is where it was. */
const withdrawnElsewhere = ({ path, group }: ShareRecord) =>
  `it was withdrawn from elsewhere, you are no member of ${group} now, or these trackers have never heard of it; to share it again: ${showable(path)}`

const isSameFile = (a: Pick<Manifest, 'size' | 'sha256' | 'sha1'>, b: Pick<Manifest, 'size' | 'sha256' | 'sha1'>) =>
  a.size === b.size && a.sha256 === b.sha256 && a.sha1 === b.sha1

export function createShareRegistry({
  user,
  login,
  library,
  trackers,
  offers,
  log,
  heardSession,
}: ShareRegistryNeeds): ShareRegistry {
  const files = createOpenFiles()
  const offered = new Map<string, Offer>()
  const troubles: Trouble[] = []
  const closing = new AbortController()
  /** Files that are being looked into, since they are not what they were. */
  const hashedNow = new Set<string>()
  let announceAgainAtMs = Number.NEGATIVE_INFINITY
  /** Set back by whatever happens while it is being made true. */
  let isReconciled = false
  const keyOf = ({ group, name }: { group: string; name: string }) => `${group}/${name}`

  // One change after another: each is a few steps over library, offers and log that must not mix.
  const inTurn = oneAfterAnother()
  // One changed file after another, and no change waits for them.
  const hashInTurn = oneAfterAnother()

  const records = new Map(library.shares(user).map(record => [keyOf(record), record]))
  const save = (record: ShareRecord) => {
    library.saveShare(user, record)
    records.set(keyOf(record), record)
  }
  const setState = (record: ShareRecord, state: ShareState) => {
    library.setShareState(user, record.group, record.name, state)
    records.set(keyOf(record), { ...record, state })
  }

  const offer = (record: ShareRecord) => {
    const { share, group, manifest, path, fingerprint } = record
    const made: Offer = {
      share,
      group,
      manifest,
      have: fullBitfield(pieceCount(manifest)),
      read: (piece, offset, into) => files.read(path, fingerprint, piece * manifest.pieceLength + offset, into),
    }
    const before = offered.get(keyOf(record))
    offered.set(keyOf(record), made)
    offers.add(made)
    settleTrouble(record)
    if (before) offers.remove(before)
  }
  const withdraw = (record: { group: string; name: string }) => {
    const made = offered.get(keyOf(record))
    if (!made) return
    offered.delete(keyOf(record))
    offers.remove(made)
  }
  const forget = (record: ShareRecord) => {
    withdraw(record)
    library.removeShare(user, record.group, record.name)
    records.delete(keyOf(record))
  }
  const noteTrouble = (record: ShareRecord, why: string) => {
    const message = `${record.name} is not shared with ${record.group} any more: ${why}`
    log.warn({ group: record.group, name: record.name }, message)
    troubles.push({ file: keyOf(record), message })
    if (troubles.length > keptTroubles) troubles.shift()
  }
  const settleTrouble = (record: ShareRecord) => {
    const at = troubles.findIndex(({ file }) => file === keyOf(record))
    if (at >= 0) troubles.splice(at, 1)
  }
  const noteLeft = (record: ShareRecord, left: 'changed' | 'vanished') =>
    noteTrouble(
      record,
      left === 'changed'
        ? `${showable(record.path)} was changed; share it again`
        : `${showable(record.path)} is not there, or cannot be read`,
    )
  // What left sharing mode under an earlier agent is still not shared.
  for (const record of records.values())
    if (record.state === 'changed' || record.state === 'vanished') noteLeft(record, record.state)

  /** Tells the trackers of a share that they have not heard of; true when that is settled. */
  const announce = async (record: ShareRecord): Promise<boolean> => {
    if (performance.now() < announceAgainAtMs) return false
    const answer = await trackers.ask('share.add', { group: record.group, manifest: record.manifest })
    if (answer.ok) setState(record, 'sharing')
    else if (isPassing(answer.code)) {
      if (answer.code === 'too-many') announceAgainAtMs = performance.now() + agentTunables.announceAgainMs
      return false
    } else {
      noteTrouble(record, answer.message)
      forget(record)
    }
    return true
  }
  /** Takes this device off a share in the log; true when that is settled. */
  const retract = async ({ group, name }: { group: string; name: string }): Promise<boolean> => {
    const answer = await trackers.ask('share.remove', { group, name, devices: 'this' })
    return answer.ok || !isPassing(answer.code)
  }

  /** The file is as it was hashed now: it goes on under its new fingerprint if the bytes are the same, and leaves if not. */
  const settle = async (record: ShareRecord, hashed: Outcome<HashedFile> | undefined) => {
    if (hashed?.ok && isSameFile(hashed.value, record.manifest)) {
      const back = record.state === 'vanished' ? 'announcing' : record.state
      const fresh: ShareRecord = { ...record, fingerprint: hashed.value.fingerprint, state: back }
      save(fresh)
      offer(fresh)
      if (back === 'announcing' && !(await announce(fresh))) isReconciled = false
      return
    }
    const left = hashed?.ok ? 'changed' : 'vanished'
    if (record.state === left) return
    setState(record, left)
    settleTrouble(record)
    noteLeft(record, left)
    if (!(await retract(record))) isReconciled = false
  }

  /** What is recorded of the file now, if it is still the one that was looked at. */
  const currentOf = (looked: ShareRecord): ShareRecord | undefined => {
    const now = records.get(keyOf(looked))
    const isTheSame = now?.share === looked.share && now.path === looked.path
    return isTheSame && isSameFingerprint(now.fingerprint, looked.fingerprint) ? now : undefined
  }
  /** Out of turn, since hashing may take long: what becomes of the share meanwhile goes before. */
  const checkOne = async (record: ShareRecord) => {
    if (record.state === 'changed' || hashedNow.has(keyOf(record))) return
    const state = await lookAt(record.path, record.fingerprint)
    const now = currentOf(record)
    if (!now || hashedNow.has(keyOf(now))) return
    if (state === 'same' && now.state !== 'vanished') {
      if (!offered.has(keyOf(now))) offer(now)
      return
    }
    if (state === 'vanished' && now.state === 'vanished') return
    withdraw(now)
    hashedNow.add(keyOf(now))
    try {
      const { signal } = closing
      const hashed = state === 'vanished' ? undefined : await hashInTurn(() => hashFile(now.path, { signal }))
      await inTurn(async () => {
        const current = currentOf(record)
        if (current) await settle(current, hashed)
      })
    } finally {
      hashedNow.delete(keyOf(now))
    }
  }

  const summary = ({ group, name, manifest }: Pick<ShareRecord, 'group' | 'name' | 'manifest'>) =>
    done({ group, name, size: manifest.size, sha1: manifest.sha1, pieces: pieceCount(manifest) })

  return {
    async share(params, options) {
      const { group } = params
      const name = parseFileName(params.name ?? basename(params.path))
      if (!name.ok) return name
      // Before anything is read: whether one may share there at all.
      const found = await trackers.ask('swarm.locate', { group, name: name.value })
      if (!found.ok && found.code !== 'no-such-file') return found
      const path = await realpath(params.path).catch(() => params.path)
      const known = records.get(keyOf({ group, name: name.value }))
      const isOnOffer = known && offered.has(keyOf(known)) && known.state === 'sharing' && known.path === path
      if (isOnOffer && (await lookAt(path, known.fingerprint)) === 'same') return summary(known)

      const hashed = await hashFile(path, options)
      if (!hashed.ok) return hashed
      const { fingerprint, ...hashes } = hashed.value
      const manifest: Manifest = { name: name.value, ...hashes }
      return inTurn(async () => {
        const added = await trackers.ask('share.add', { group, manifest })
        if (!added.ok) return added
        const share = shareId(group, manifest)
        const record: ShareRecord = { group, name: name.value, share, manifest, path, fingerprint, state: 'sharing' }
        save(record)
        offer(record)
        return summary(record)
      })
    },

    unshare: ({ group, name }) =>
      inTurn(async () => {
        const removed = await trackers.ask('share.remove', { group, name, devices: 'all' })
        const record = records.get(keyOf({ group, name }))
        // Also when the log did not have it: it is not to be shared, here or there.
        if (record && (removed.ok || !isPassing(removed.code))) forget(record)
        if (removed.ok) return done({})
        // A finished download that the trackers had not been told of yet: it was shared here, and is not any more.
        const wasUntold = record?.state === 'announcing' && ['not-sharing', 'no-such-file'].includes(removed.code)
        return wasUntold ? done({}) : removed
      }),

    // Waits for nobody's turn: a download is complete also while trackers are away.
    adopt(file) {
      const record: ShareRecord = { ...file, state: 'announcing' }
      save(record)
      offer(record)
      isReconciled = false
    },

    get isReconciled() {
      return isReconciled
    },
    reconcile: () =>
      inTurn(async () => {
        const session = await trackers.ask('agent.session', {})
        if (!session.ok) return
        heardSession?.(session.value)
        const shares = await askAll(trackers, 'agent.shares', {})
        if (!shares.ok) return
        isReconciled = true
        // The log was restored: what it lacks was shared after its back-up, or withdrawn by somebody who will do so again.
        const isRestored = library.logEpoch(login) !== 0 && trackers.epoch > library.logEpoch(login)
        let isSettled = true
        const logged = new Map(shares.value.map(share => [keyOf(share), share]))
        for (const record of [...records.values()]) {
          const inLog = logged.get(keyOf(record))?.share === record.share
          if (record.state === 'announcing' || (record.state === 'sharing' && !inLog && isRestored))
            isSettled = (await announce(record)) && isSettled
          else if (record.state === 'sharing' && !inLog) {
            noteTrouble(record, withdrawnElsewhere(record))
            forget(record)
          } else if (record.state !== 'sharing' && inLog) isSettled = (await retract(record)) && isSettled
          logged.delete(keyOf(record))
        }
        for (const unknown of logged.values()) isSettled = (await retract(unknown)) && isSettled
        isReconciled &&= isSettled
        if (isSettled) library.saveLogEpoch(login, trackers.epoch)
      }),

    async check(share) {
      for (const record of [...records.values()]) {
        if (share === undefined || record.share === share) await checkOne(record)
      }
    },

    isRecorded({ group, name, share }) {
      const record = records.get(keyOf({ group, name }))
      return record?.share === share && record.state === 'sharing'
    },
    get sharing() {
      return offered.size
    },
    troubles,
    async close() {
      closing.abort()
      await files.close()
    },
  }
}
