import test from 'ava'
import { adviceFor, serversToTry, splitServers } from '../../src/cli/servers.ts'

test('The brokers that a person names come first, followed by known ones of the same cluster.', t => {
  t.deepEqual(serversToTry(['nats://h:4222'], ['h:4222', 'i:4222'], []), ['h:4222', 'i:4222'])
  t.deepEqual(serversToTry(['h'], ['h:4222', 'i:4222'], []), ['h:4222', 'i:4222'])
})

test('Servers are separated by commas, and one of them may carry the fingerprint to trust.', t => {
  t.deepEqual(splitServers(' h , '), { servers: ['h'], fingerprint: undefined })
  t.deepEqual(splitServers('tls://h:4222#abc,i'), { servers: ['tls://h:4222', 'i'], fingerprint: 'abc' })
})

test('Naming another cluster never leads to the one known from before.', t => {
  t.deepEqual(serversToTry(['new:4222'], ['old:4222'], ['own:4222']), ['new:4222'])
})

test("With none named, the home's own cluster and the known brokers are tried, else the default.", t => {
  t.deepEqual(serversToTry([], ['old:4222'], ['own:4222']), ['own:4222', 'old:4222'])
  t.deepEqual(serversToTry(splitServers().servers, [], []), ['nats://127.0.0.1:4222'])
})

/** What a person is told who named these brokers, in a home that knows these and holds a cluster of these. */
const advice = (wanted: string[], known: string[], ofCluster: string[]) =>
  adviceFor(wanted, serversToTry(wanted, known, ofCluster), ofCluster)

test('Only the home of a cluster is told to start it.', t => {
  for (const own of [
    advice([], [], ['nats://127.0.0.1:4222']),
    advice(['127.0.0.1:4222'], [], ['nats://127.0.0.1:4222']),
  ])
    for (const text of [own.noBroker, own.noTracker]) t.regex(text, /start .* shoal cluster up$/)
  for (const elsewhere of [advice(['h'], [], []), advice([], ['h:4222'], []), advice(['h'], [], ['own:4222'])])
    for (const text of [elsewhere.noBroker, elsewhere.noTracker]) {
      t.notRegex(text, /cluster up|cluster start/)
      t.regex(text, /the person who runs the cluster/)
    }
})

test('With no broker named and none known, a person is told how to join a cluster and how to run one.', t => {
  t.regex(advice([], [], []).noBroker, /--servers or SHOAL_SERVERS; .*shoal cluster up$/)
  t.notRegex(advice([], [], []).noTracker, /cluster up/)
})
