import { chmodSync, readFileSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fromPublic, fromSeed } from '@nats-io/nkeys'
import test from 'ava'
import { ClusterFailure } from '../../src/cluster/cluster-failure.ts'
import { createSecrets, loadSecrets, publicKeys } from '../../src/cluster/secrets.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const mode = (path: string) => statSync(path).mode & 0o777

test('Secrets are readable by their owner alone.', t => {
  const folder = join(tempFolder(t), 'cluster')
  createSecrets(folder)
  t.is(mode(folder), 0o700)
  t.is(mode(join(folder, 'secrets.json')), 0o600)
})

test('A cluster keeps the secrets it was made with.', t => {
  const folder = tempFolder(t)
  const made = createSecrets(folder)
  t.deepEqual(createSecrets(folder), made)
  t.deepEqual(loadSecrets(folder), made)
})

test('Two clusters have no secret in common.', t => {
  const flat = (folder: string) => {
    const { trackerSeeds, ...others } = createSecrets(folder)
    return [...Object.values(trackerSeeds), ...Object.values(others)]
  }
  const all = [...flat(tempFolder(t)), ...flat(tempFolder(t))]
  t.is(new Set(all).size, all.length)
})

test('Brokers get only public keys, which belong to the seeds.', t => {
  const secrets = createSecrets(tempFolder(t))
  const keys = publicKeys(secrets)
  for (const [name, key] of Object.entries(keys)) t.regex(key, /^[AUX][A-Z2-7]{55}$/, name)
  const signature = fromSeed(Buffer.from(secrets.trackerSeeds.sys)).sign(Buffer.from('hello'))
  t.true(fromPublic(keys.TRACKER_SYS!).verify(Buffer.from('hello'), signature))
})

test('A folder without secrets is distinguished from one with damaged secrets.', t => {
  const folder = tempFolder(t)
  const missing = t.throws(() => loadSecrets(folder), { instanceOf: ClusterFailure })
  t.regex(missing.message, /shoal cluster up/)
  createSecrets(folder)
  const file = join(folder, 'secrets.json')
  chmodSync(file, 0o600)
  writeFileSync(file, readFileSync(file, 'utf8').replace(/"SX/, '"SU'))
  const damaged = t.throws(() => loadSecrets(folder), { instanceOf: ClusterFailure })
  t.regex(damaged.message, /damaged/)
  t.throws(() => createSecrets(folder), { instanceOf: ClusterFailure }, 'damaged secrets are not replaced')
})
