import { execFile } from 'node:child_process'
import { readFileSync, statSync } from 'node:fs'
import { join } from 'node:path'
import { promisify } from 'node:util'
import test from 'ava'
import { brokerConfigOf, writeBrokerFiles } from '../../src/cluster/broker-files.ts'
import { brokersOf, defaultPlan } from '../../src/cluster/cluster-plan.ts'
import { findNatsServer } from '../../src/cluster/find-nats-server.ts'
import { sharedBrokerConfig } from '../../src/cluster/package-root.ts'
import { createSecrets } from '../../src/cluster/secrets.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const run = promisify(execFile)

for (const brokers of [1, 3, 9])
  test(`nats-server accepts the configuration of each of ${brokers}, in a folder of any name`, async t => {
    const folder = join(tempFolder(t), 'a "quoted" $NAME and blanks')
    const plan = { ...defaultPlan, brokers }
    const secrets = createSecrets(folder)
    const natsServer = await findNatsServer()
    for (const node of brokersOf(folder, plan)) {
      await writeBrokerFiles(node, plan, secrets)
      const { stderr } = await run(natsServer, ['-t', '-c', brokerConfigOf(node)])
      t.regex(stderr, /is valid/)
    }
  })

test('the example in config/ is accepted as it stands', async t => {
  const { stderr } = await run(await findNatsServer(), ['-t', '-c', sharedBrokerConfig])
  t.regex(stderr, /is valid/)
})

test('brokers share one file word for word, and no file of theirs that others can read holds a secret', async t => {
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
