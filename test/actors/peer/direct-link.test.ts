import test from 'ava'
import { bob, fetchAll, offerOf, sharedBytes, startServer } from '../../helpers/swarm.ts'

test('a file served to a link arrives identical', async t => {
  const file = sharedBytes(5 * 1024 * 1024 + 7)
  await using server = await startServer()
  server.desk.send({ type: 'offer.added', offer: offerOf(file) })
  const { bytes, via } = await fetchAll(server.peerFor(bob, file.share), file)
  t.is(via, 'direct')
  t.true(bytes.equals(file.bytes))
})
