import test from 'ava'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { ShareOffers } from '../../../src/actors/agent/share-offers.ts'
import type { Fingerprint } from '../../../src/storage/fingerprint.ts'
import { LibraryFailed } from '../../../src/storage/library-file.ts'
import type { ShareRecord } from '../../../src/storage/library-shares.ts'
import { sharedBytes } from '../../helpers/swarm.ts'

const fingerprint = {} as Fingerprint
const file = sharedBytes(600_000)
const record = {
  ...file,
  group: 'reef',
  name: 'film.bin',
  path: '/film.bin',
  fingerprint,
  state: 'sharing',
} as ShareRecord

function openOffers(found: ShareRecord | undefined = record) {
  const told: string[] = []
  const reads: [path: string, offset: number][] = []
  const table = createOfferTable(({ type }) => told.push(type), { findFile: share => offers.find(share) })
  const records = { found, onOffer: 1, ofId: (share: string) => (share === file.share ? records.found : undefined) }
  const offers: ShareOffers = new ShareOffers(table, records, {
    read: async (path, _, offset) => void reads.push([path, offset]),
    close: async () => {},
  })
  return { table, told, reads, offers, records }
}

test('A shared file is offered whole without having been added, and read where the piece is in the file.', async t => {
  const { table, reads, offers, told } = openOffers()
  t.true(offers.has(record))
  t.is(offers.size, 1)
  const offer = table.find(file.share)!
  t.true(offer.have.isFull())
  await offer.read(1, 16_384, [])
  t.deepEqual(reads, [['/film.bin', file.manifest.pieceLength + 16_384]])
  t.is(table.find(file.share), offer, 'it is made once')
  t.deepEqual(told, [])
})

for (const state of ['changed', 'vanished'] as const)
  test(`A file that has ${state} is not found.`, t => {
    const { table, offers } = openOffers({ ...record, state })
    t.is(table.find(file.share), undefined)
    t.false(offers.has({ ...record, state }))
  })

test('An offer replaces an earlier one without a gap, and is withheld until it is added or released.', async t => {
  const { table, told, offers, records, reads } = openOffers()
  const moved: ShareRecord = { ...record, path: '/moved.bin' }
  t.truthy(table.find(file.share))
  records.found = moved
  offers.add(moved)
  await table.find(file.share)!.read(0, 0, [])
  t.deepEqual([reads, told], [[['/moved.bin', 0]], ['offer.added']])
  offers.withhold(moved)
  t.deepEqual([offers.size, offers.has(moved), table.find(file.share)], [0, false, undefined])
  t.deepEqual(told, ['offer.added', 'offer.removed'])
  offers.release(moved)
  t.deepEqual([offers.size, offers.has(moved)], [1, true])
  t.truthy(table.find(file.share))
})

test('A file that could not be read is not found until that is tried again, and counts as on offer.', t => {
  const { table, offers } = openOffers()
  offers.markUnreadable(file.share)
  t.is(table.find(file.share), undefined)
  t.is(offers.size, 1)
  offers.retryUnreadable()
  t.truthy(table.find(file.share))
})

test('While the library cannot be read nothing new is found, and the last count stays.', t => {
  const { table, offers, records } = openOffers()
  t.is(offers.size, 1)
  const fail = () => {
    throw new LibraryFailed('the disk fails')
  }
  Object.defineProperties(records, { ofId: { value: fail }, onOffer: { get: fail } })
  t.deepEqual([table.find(file.share), offers.size], [undefined, 1])
})
