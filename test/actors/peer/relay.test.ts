import test from 'ava'
import { openRelay } from '../../../src/actors/peer/relay.ts'
import { startOpenBroker } from '../../helpers/open-broker.ts'
import { alice, bob, fetchAll, offerOf, sharedBytes, startServer } from '../../helpers/swarm.ts'

test('a file travels whole through a broker when its sharer cannot be reached directly', async t => {
  await using broker = await startOpenBroker()
  const file = sharedBytes(20 * 1024 * 1024 + 7)
  const aliceRelay = openRelay(await broker.connect(), alice)
  const bobRelay = openRelay(await broker.connect(), bob)
  await using server = await startServer(alice, aliceRelay.accept)
  server.desk.send({ type: 'offer.added', offer: offerOf(file) })
  const t0 = performance.now()
  const unreachable = { ...server.peerFor(bob, file.share), port: 1 }
  const { bytes, via } = await fetchAll(unreachable, file, { connectRelay: bobRelay.connect })
  t.log(performance.now() - t0)
  t.is(via, 'relay')
  t.true(bytes.equals(file.bytes))
  bobRelay.close()
  aliceRelay.close()
})
