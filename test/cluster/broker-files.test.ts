import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { brokerConfigOf, writeBrokerFiles } from '../../src/cluster/broker-files.ts'
import { type BrokerNode, brokersOf, defaultPlan } from '../../src/cluster/cluster-plan.ts'
import { findNatsServer } from '../../src/cluster/find-nats-server.ts'
import { sharedBrokerConfig } from '../../src/cluster/package-root.ts'
import { createSecrets, makeSecrets } from '../../src/cluster/secrets.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const run = promisify(execFile)

for (const brokers of [1, 3, 9])
  test(`The configuration of each of ${brokers} brokers is accepted by nats-server, in a folder of any name.`, async t => {
    const folder = join(tempFolder(t), 'a "quoted" $NAME and blanks')
    const plan = { ...defaultPlan, brokers }
    const secrets = createSecrets(folder)
    const { path: natsServer } = await findNatsServer()
    for (const node of brokersOf(folder, plan)) {
      await writeBrokerFiles(node, plan, secrets)
      const { stderr } = await run(natsServer, ['-t', '-c', brokerConfigOf(node)])
      t.regex(stderr, /is valid/)
    }
  })

test('The example in config/ is accepted as it stands.', async t => {
  const { stderr } = await run((await findNatsServer()).path, ['-t', '-c', sharedBrokerConfig])
  t.regex(stderr, /is valid/)
})

test('All brokers use the same file word for word, and none of their files that others can read contains a secret.', async t => {
  const folder = tempFolder(t)
  const secrets = createSecrets(folder)
  const [node] = brokersOf(folder, defaultPlan)
  await writeBrokerFiles(node!, defaultPlan, secrets)
  t.deepEqual(readFileSync(brokerConfigOf(node!)), readFileSync(sharedBrokerConfig))
  t.is(statSync(join(node!.folder, 'config', 'node.conf')).mode & 0o077, 0)
  const keys = readFileSync(join(node!.folder, 'config', 'keys.conf'), 'utf8')
  for (const secret of [
    secrets.issuerSeed,
    secrets.xkeySeed,
    secrets.routePassword,
    ...Object.values(secrets.trackerSeeds),
  ])
    t.false(keys.includes(secret))
})

test('During a rotation a broker has one route to each other broker, with the password that the other accepts.', async t => {
  const folder = tempFolder(t)
  const { routePassword: before, ...others } = createSecrets(folder)
  const next = makeSecrets()
  const secrets = { ...others, routePassword: before, next }
  const [first, second, third] = brokersOf(folder, defaultPlan) as [BrokerNode, BrokerNode, BrokerNode]
  const routesOf = ({ folder }: BrokerNode) => {
    const config = readFileSync(join(folder, 'config', 'node.conf'), 'utf8')
    return [...config.matchAll(/nats:\/\/broker:([^@]+)@/g)].map(([, password]) => password)
  }
  for (const node of [first, second, third]) await writeBrokerFiles(node, defaultPlan, { ...secrets, next: undefined })
  t.deepEqual(routesOf(first), [before, before, before])
  await writeBrokerFiles(first, defaultPlan, secrets, [second, third])
  t.deepEqual(routesOf(first), [next.routePassword, before, before])
  await writeBrokerFiles(second, defaultPlan, secrets, [first, third])
  t.deepEqual(routesOf(second), [next.routePassword, next.routePassword, before])
  // One that is down is started with the next set.
  await writeBrokerFiles(third, defaultPlan, secrets, [first])
  t.deepEqual(routesOf(third), [next.routePassword, next.routePassword, next.routePassword])
})
