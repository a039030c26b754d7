import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test from 'ava'
import fc from 'fast-check'
import {
  brokersOf,
  clusterPlanSchema,
  connectHost,
  defaultPlan,
  findPlan,
  loadPlan,
  savePlan,
  serversOf,
  visualizerPort,
} from '../../src/cluster/cluster-plan.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const anyPlan = fc.record({
  host: fc.constantFrom('127.0.0.1', '0.0.0.0', '::1', 'example.org'),
  port: fc.integer({ min: 1, max: 65_485 }),
  brokers: fc.integer({ min: 1, max: 9 }),
  trackers: fc.integer({ min: 0, max: 9 }),
})

test('All listeners of a cluster have ports of their own.', t => {
  fc.assert(
    fc.property(anyPlan, plan => {
      const ports = brokersOf('/c', clusterPlanSchema.parse(plan)).flatMap(node => Object.values(node.ports))
      const all = [...ports, visualizerPort(clusterPlanSchema.parse(plan))]
      return new Set(all).size === all.length && all.every(port => port > 0 && port <= 65_535)
    }),
  )
  t.pass()
})

test('The first broker listens on the requested port, the others on the ports after it.', t => {
  t.deepEqual(serversOf(defaultPlan), ['nats://127.0.0.1:4222', 'nats://127.0.0.1:4223', 'nats://127.0.0.1:4224'])
})

test('A cluster that listens on all addresses is reached from this machine through the loopback.', t => {
  t.is(connectHost({ ...defaultPlan, host: '0.0.0.0' }), '127.0.0.1')
  t.is(connectHost({ ...defaultPlan, host: '::' }), '[::1]')
  t.is(connectHost({ ...defaultPlan, host: '192.0.2.10' }), '192.0.2.10')
})

test('A host that could break out of its line in a file is refused.', t => {
  for (const host of ['', 'a b', 'a"b', 'a\nb', 'a$b', 'a'.repeat(300)])
    t.false(clusterPlanSchema.safeParse({ ...defaultPlan, host }).success, host)
})

test('A saved plan is loaded unchanged.', t => {
  const folder = join(tempFolder(t), 'cluster')
  t.is(findPlan(folder), undefined)
  savePlan(folder, { ...defaultPlan, port: 5000 })
  t.deepEqual(loadPlan(folder), { ...defaultPlan, port: 5000 })
})

test('A missing and a damaged plan each say what to do.', t => {
  const folder = tempFolder(t)
  t.throws(() => loadPlan(folder), { code: 'no-cluster', message: /shoal cluster up/ })
  writeFileSync(join(folder, 'cluster.json'), '{"host":')
  t.throws(() => loadPlan(folder), { code: 'no-cluster', message: /damaged/ })
})
