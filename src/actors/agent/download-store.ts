// The disk side of one run of a download: its destination, its part file, and every check of its bytes. A piece is
// recorded and on offer only after its SHA-1 matched and it was written; the file gets its name only after the whole
// matched, which is hashed from the disk as it fills. What does not match is found out by reading all of it again.

import { lstat, unlink } from 'node:fs/promises'
import { dirname } from 'node:path'
import type { Logger } from 'pino'
import { type CallbackActorLogic, fromCallback } from 'xstate'
import { hashingTunables } from '../../../config/agent.ts'
import { type Bitfield, createBitfield, fullBitfield } from '../../domain/bitfield.ts'
import { parseDeviceKey } from '../../domain/device-ref.ts'
import { pieceCount, pieceHashes, sha1Bytes } from '../../domain/manifest.ts'
import { showable } from '../../domain/names.ts'
import { type Refusal, refuse } from '../../domain/refusal.ts'
import type { DownloadSpec, StoreCommand, StoreEvent } from '../../machines/download-protocol.ts'
import type { Offer } from '../../machines/swarm-protocol.ts'
import { type Fingerprint, fingerprintOf } from '../../storage/fingerprint.ts'
import type { Library } from '../../storage/library.ts'
import type { DownloadRecord } from '../../storage/library-downloads.ts'
import { isClaim, openPieceFile, type PieceFile } from '../../storage/piece-file.ts'
import { checkFreeSpace, storageRefusal } from '../../storage/storage-refusal.ts'
import type { BufferPool } from '../swarm/buffer-pool.ts'
import { type FollowedFile, followFile, recheckPieces, verifyFile, verifyPiece } from './hashing.ts'
import { expectJob } from './hashing-threads.ts'
import type { OfferTable } from './offer-table.ts'
import type { ShareRegistry } from './share-registry.ts'

export interface DownloadStoreNeeds {
  readonly library: Library
  readonly offers: OfferTable
  readonly shareRegistry: Pick<ShareRegistry, 'adopt'>
  readonly peers: { readonly buffers: BufferPool }
  readonly log: Logger
}

/** Ends the run with a refusal, from anywhere below. */
class StoreRefused extends Error {
  readonly refusal: Refusal
  constructor(refusal: Refusal) {
    super(refusal.message)
    this.refusal = refusal
  }
}

/** What is at the destination already: nothing, a claim that a kill left, another file, or the very file (its fingerprint). */
export async function lookAtDestination(
  { path, manifest }: Pick<DownloadSpec, 'path' | 'manifest'>,
  signal?: AbortSignal,
): Promise<'free' | 'claimed' | 'other' | Fingerprint> {
  const before = await lstat(path, { bigint: true }).catch(() => undefined)
  if (!before) return 'free'
  if (!before.isFile()) return 'other'
  const isIt = Number(before.size) === manifest.size && (await verifyFile(path, manifest, signal ? { signal } : {})).ok
  if (isIt) return fingerprintOf(before)
  return (await isClaim(path).catch(() => false)) ? 'claimed' : 'other'
}

export const destinationExists = (path: string) =>
  refuse('destination-exists', `${showable(path)} is another file; choose another destination, or use --overwrite`)

const partIsNotOurs = ({ id, part }: DownloadRecord) =>
  refuse(
    'destination-exists',
    `${showable(part)} is there, and was not made by this download; move it away, then shoal resume ${id}`,
  )

export const createDownloadStore = (needs: DownloadStoreNeeds): CallbackActorLogic<StoreCommand, DownloadSpec> =>
  fromCallback<StoreCommand, DownloadSpec>(({ input: spec, sendBack, receive }) => {
    const { library, offers, shareRegistry, log } = needs
    const { buffers } = needs.peers
    const { id, group, name, share, manifest, path } = spec
    const hashes = pieceHashes(manifest)
    const closing = new AbortController()
    const { signal } = closing
    /** Steps under way: the part file closes after the last. */
    const pending = new Set<Promise<void>>()
    let part: PieceFile | undefined
    let have: Bitfield = createBitfield(pieceCount(manifest))
    let offer: Offer | undefined
    let isFinished = false
    /** Pieces in a row from the first on, and the check of the whole, if it has begun. */
    let beginning = 0
    let followed: FollowedFile | undefined

    const tell = (event: StoreEvent) => {
      if (!signal.aborted) sendBack(event)
    }
    const fail = (error: unknown) => {
      if (signal.aborted) return
      const { code, message } = refusalOf(error)
      tell({ type: 'store.failed', code, message })
    }
    const refusalOf = (error: unknown): Refusal => {
      if (error instanceof StoreRefused) return error.refusal
      log.error({ download: id, err: error }, 'a download broke')
      const { code } = error as NodeJS.ErrnoException
      if (code !== undefined) return storageRefusal(error, path)
      return refuse('destination-unwritable', `the agent failed: ${showable((error as Error).message)}`)
    }
    const run = (step: () => Promise<void>) => {
      const running = step()
        .catch(fail)
        .finally(() => pending.delete(running))
      pending.add(running)
    }
    const insist = <T>(outcome: { ok: true; value: T } | Refusal): T => {
      if (!outcome.ok) throw new StoreRefused(outcome)
      return outcome.value
    }
    const openPart = (): PieceFile => {
      if (!part) throw new Error('bug: a download without its part file')
      return part
    }
    const offerPieces = () => {
      offer = { share, group, manifest, have, read: (piece, offset, into) => openPart().read(piece, offset, into) }
      offers.add(offer)
    }
    const adopt = (fingerprint: Fingerprint) => {
      shareRegistry.adopt({ group, name, share, manifest, path, fingerprint })
      isFinished = true
    }

    /** The file is hashed as far as it is there, so that little is left to do at the end. */
    const hashAhead = () => {
      while (beginning < have.length && have.has(beginning)) beginning += 1
      const bytes = Math.min(manifest.size, beginning * manifest.pieceLength)
      if (bytes >= hashingTunables.followFromBytes) followed ??= followFile(openPart().path, manifest, signal)
      followed?.grewTo(bytes)
    }

    /** True when there was one, and it was this download's own. */
    const removePart = async (): Promise<boolean> => {
      const record = library.download(id)
      if (!record?.madePart || !(await lstat(record.part).catch(() => undefined))?.isFile()) return false
      await unlink(record.part)
      return true
    }

    /** Goes on with what this download made. Whatever else came under that name while it waited is left alone. */
    const openOwnPart = async (record: DownloadRecord): Promise<PieceFile> => {
      if (record.madePart) return insist(await openPieceFile(record.part, manifest, 'resume'))
      const notOurs = () => new StoreRefused(partIsNotOurs(record))
      if (await lstat(record.part).catch(() => undefined)) throw notOurs()
      // Before there is one: a kill in between leaves none, and after it the next run knows its own.
      library.changeDownload(id, { madePart: true })
      const made = await openPieceFile(record.part, manifest, 'fresh')
      if (made.ok || made.code !== 'destination-exists') return insist(made)
      library.changeDownload(id, { madePart: false })
      throw notOurs()
    }

    const prepare = async (): Promise<void> => {
      const there = await lookAtDestination(spec, signal)
      if (typeof there === 'object') {
        // After a kill half-way through the renaming it is the file's other name; one name less shows in the fingerprint.
        if (await removePart()) return prepare()
        library.saveVerified(id, fullBitfield(pieceCount(manifest)))
        adopt(there)
        return tell({ type: 'store.there' })
      }
      if (there === 'other' && !spec.overwrite) throw new StoreRefused(destinationExists(path))
      if (there === 'claimed') await unlink(path)
      const record = library.download(id)
      if (!record) throw new Error(`bug: download ${id} is not in the library`)
      if (record.verified.count > 0) {
        have = await recheckPieces(record.part, manifest, record.verified, { signal })
        library.saveVerified(id, have)
      }
      const missingBytes = Math.max(0, manifest.size - have.count * manifest.pieceLength)
      insist(await checkFreeSpace(dirname(record.part), missingBytes))
      part = await openOwnPart(record)
      // Nobody would take back what is put on offer now.
      if (signal.aborted) return
      if (have.count > 0) offerPieces()
      hashAhead()
      tell({ type: 'store.ready', have })
    }

    const checkPiece = async ({ peer, via, piece, data }: Extract<StoreCommand, { type: 'piece.check' }>) => {
      const arrivedAt = performance.now()
      if (!(await verifyPiece(data, hashes.subarray(piece * sha1Bytes, (piece + 1) * sha1Bytes)))) {
        library.recordWaste(id, data.length)
        buffers.give(data)
        log.warn({ download: id, peer, piece }, 'a peer sent a piece that is not what it should be; it is dropped')
        return tell({ type: 'piece.rejected', peer, piece })
      }
      const checkedAt = performance.now()
      insist(await openPart().write(piece, 0, data))
      library.recordPiece(id, piece, parseDeviceKey(peer), via, data.length)
      const writtenAt = performance.now()
      buffers.give(data)
      have.add(piece)
      if (signal.aborted) return
      hashAhead()
      if (!followed && have.length - have.count <= hashingTunables.expectedAtPieces) expectJob()
      if (offer) offers.announce(offer, piece)
      else offerPieces()
      tell({
        type: 'piece.verified',
        peer,
        piece,
        checkedInMs: checkedAt - arrivedAt,
        writtenInMs: writtenAt - checkedAt,
      })
    }

    const checkWhole = async () => {
      const { path: partPath, isInPlace } = openPart()
      // Its pieces would all be called wrong, and fetched again into a file without a name, for ever.
      if (!(await isInPlace()))
        throw new StoreRefused(
          refuse(
            'destination-unwritable',
            `${showable(partPath)} was removed while it filled; put its folder back, then resume the download`,
          ),
        )
      const isRight = (await followed?.isRight) || (await verifyFile(partPath, manifest, { signal })).ok
      followed = undefined
      if (isRight) return tell({ type: 'whole.right' })
      const right = await recheckPieces(partPath, manifest, have, { signal })
      const wrong = Array.from({ length: have.length }, (_, piece) => piece).filter(
        piece => have.has(piece) && !right.has(piece),
      )
      if (wrong.length === 0)
        throw new StoreRefused(
          refuse(
            'integrity',
            `every piece of ${name} fits its manifest and the whole does not: whoever shared it erred`,
          ),
        )
      library.saveVerified(id, right)
      for (const piece of wrong) have.remove(piece)
      beginning = 0
      tell({ type: 'whole.wrong', pieces: wrong })
    }

    const finish = async () => {
      adopt(insist(await openPart().finish(path, { overwrite: spec.overwrite })))
      tell({ type: 'file.finished' })
    }

    const close = async (discard: boolean) => {
      closing.abort()
      if (offer) offers.remove(offer)
      await Promise.all([...pending, followed?.isRight])
      try {
        if (!discard || isFinished) await part?.close()
        else if (part) await part.discard()
        // It was put to rest before this run opened what an earlier one had made.
        else await removePart()
      } catch (error) {
        log.warn({ download: id, err: error }, 'a part file could not be closed or removed')
      }
    }

    let closed: Promise<void> | undefined
    receive(command => {
      if (closed) return
      switch (command.type) {
        case 'piece.check':
          return run(() => checkPiece(command))
        case 'piece.wasted':
          return run(async () => library.recordWaste(id, command.bytes))
        case 'whole.check':
          return run(checkWhole)
        case 'file.finish':
          return run(finish)
        case 'store.close':
          closed = close(command.discard).then(() => sendBack({ type: 'store.closed' } satisfies StoreEvent))
      }
    })
    run(prepare)
    return () => {
      closed ??= close(false)
    }
  })
