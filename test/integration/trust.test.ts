// How a command line comes to trust brokers, and what it does where it does not.

import { once } from 'node:events'
import { type AddressInfo, createServer } from 'node:net'
import anyTest, { type TestFn } from 'ava'
import { fingerprintOfAuthority } from '../../src/actors/client/broker-trust.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { commandLine } from '../helpers/command-line.ts'
import { withShared } from '../helpers/with-shared.ts'

interface Clusters {
  readonly cluster: TestCluster
  readonly other: TestCluster
}
const test = withShared(anyTest as TestFn<Clusters>, async t => {
  const startTls = () => startCluster(t, { brokers: 1, trackers: 1, tls: true })
  const [cluster, other] = await Promise.all([startTls(), startTls()])
  return { cluster, other }
})

test('A new device trusts the first authority it meets and says so, and refuses another cluster until told to trust it.', async t => {
  const { cluster, other } = t.context
  const fingerprint = (of: typeof cluster) => fingerprintOfAuthority(of.secrets.authority!.certificate)
  const alice = commandLine(t, cluster.servers)
  const first = await alice.run(['signup', 'alice'])
  t.is(first.code, 0, first.err)
  t.true(first.err.includes(fingerprint(cluster)))
  const again = await alice.run(['login', 'alice'])
  t.deepEqual([again.code, again.err], [0, ''])

  const elsewhere = { env: { SHOAL_SERVERS: other.servers.join(',') } }
  const refused = await alice.run(['signup', 'alice', '--json'], elsewhere)
  t.is(refused.code, 1)
  t.is(JSON.parse(refused.out).error.code, 'untrusted')
  t.is((await alice.run(['trust', fingerprint(cluster)], elsewhere)).code, 1)
  t.is((await alice.run(['trust', fingerprint(other)], elsewhere)).code, 0)
  t.is((await alice.run(['signup', 'alice'], elsewhere)).code, 0)
})

test('A fingerprint given with the address is trusted, and no other.', async t => {
  const { cluster } = t.context
  const right = fingerprintOfAuthority(cluster.secrets.authority!.certificate)
  const bob = commandLine(t, [`${cluster.servers[0]}#${right.replace(/./g, 'A')}`])
  const refused = await bob.run(['signup', 'bob', '--json'])
  t.is(JSON.parse(refused.out).error.code, 'untrusted')
  const signedUp = await bob.run(['signup', 'bob'], { env: { SHOAL_SERVERS: `${cluster.servers[0]}#${right}` } })
  t.deepEqual([signedUp.code, signedUp.err], [0, ''])
})

test('Where TLS is required, a broker without TLS is sent nothing, whatever it offers.', async t => {
  const heard: Buffer[] = []
  const plain = createServer(socket => {
    socket.on('error', () => {})
    socket.on('data', (chunk: Buffer) => heard.push(chunk))
    socket.write('INFO {"server_id":"N1","version":"2.15.1","proto":1,"max_payload":1048576,"headers":true}\r\n')
  }).listen(0, '127.0.0.1')
  await once(plain, 'listening')
  t.teardown(() => plain.close())
  const servers = [`tls://127.0.0.1:${(plain.address() as AddressInfo).port}`]
  const carol = commandLine(t, servers, 'a secret of some length')
  t.is((await carol.run(['signup', 'carol'])).code, 3)
  const handshake = 22
  t.true(heard.length > 0)
  t.true(heard.every(chunk => chunk[0] === handshake && !chunk.includes('carol')))
})
