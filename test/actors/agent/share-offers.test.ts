import test from 'ava'
import { createOfferTable } from '../../../src/actors/agent/offer-table.ts'
import { ShareOffers } from '../../../src/actors/agent/share-offers.ts'
import type { Fingerprint } from '../../../src/storage/fingerprint.ts'
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

function openOffers() {
  const told: string[] = []
  const reads: [path: string, offset: number][] = []
  const table = createOfferTable(({ type }) => told.push(type))
  const offers = new ShareOffers(table, {
    read: async (path, _, offset) => void reads.push([path, offset]),
    close: async () => {},
  })
  return { table, told, reads, offers }
}

test('A shared file is offered whole, and read where the piece is in the file.', async t => {
  const { table, reads, offers } = openOffers()
  offers.add(record)
  t.true(offers.has(record))
  t.is(offers.size, 1)
  const offer = table.find(file.share)!
  t.true(offer.have.isFull())
  await offer.read(1, 16_384, [])
  t.deepEqual(reads, [['/film.bin', file.manifest.pieceLength + 16_384]])
})

test('An offer replaces an earlier one without a gap, and is withdrawn once.', t => {
  const { table, told, offers } = openOffers()
  offers.add(record)
  offers.add({ ...record, path: '/moved.bin' })
  t.deepEqual([offers.size, told], [1, ['offer.added', 'offer.added']])
  offers.remove(record)
  offers.remove(record)
  t.deepEqual([offers.size, offers.has(record), table.find(file.share)], [0, false, undefined])
  t.is(told.filter(type => type === 'offer.removed').length, 1)
})
