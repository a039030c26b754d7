// Replacing every secret of a cluster that runs. No node is without a partner that it understands: trackers learn the
// next set before any broker goes by it, brokers let in the trackers of both until all of those have gone over, and
// devices learn the next ticket key as each reconnects, before a ticket is issued by it. Each step is written down before
// it is taken, so a rotation that was broken off goes on where it was, to the last node that has the old set in memory.

import { setTimeout as sleep } from 'node:timers/promises'
import { processTunables } from '../../config/cluster.ts'
import type { ClusterSecrets, SecretSet } from '../wire/cluster-secrets.ts'
import { createAuthority } from './authority.ts'
import { stopVisualizer } from './background-visualizer.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { withClusterLock } from './cluster-lock.ts'
import { brokersOf, type ClusterPlan, loadPlan, trackersOf, usesTls } from './cluster-plan.ts'
import { answeringTrackers, processOf, startBrokers, startTrackers } from './cluster-processes.ts'
import { isCurrent } from './monitoring.ts'
import { pidOf, stopProcess } from './node-process.ts'
import { refuseHalfRestored } from './restoring-mark.ts'
import { loadSecrets, makeSecrets, replaceSecrets } from './secrets.ts'

/** Returns the new authority's certificate, where there is TLS. Throws ClusterFailure. */
export const rotateSecrets = (folder: string, say: (line: string) => void = () => {}): Promise<string | undefined> =>
  withClusterLock(folder, () => rotate(folder, say))

async function rotate(folder: string, say: (line: string) => void): Promise<string | undefined> {
  refuseHalfRestored(folder)
  const plan = loadPlan(folder)
  await needAllOfIt(folder, plan)
  const { next, retiring, forgetting, ...current } = loadSecrets(folder)
  let fresh: SecretSet = current
  let old = retiring
  if (forgetting) say('an earlier rotation was broken off and goes on; for another one, rotate again')
  else if (!old) {
    fresh = next ?? (await makeNext(plan, current))
    replaceSecrets(folder, { ...current, next: fresh })
    say('trackers learn the new secrets')
    await rollTrackers(folder, plan)
    say('brokers go over to them')
    await rollBrokers(folder, plan)
    old = current
  }
  if (old) {
    replaceSecrets(folder, { ...fresh, retiring: old })
    say('trackers go over to them')
    await rollTrackers(folder, plan)
  }
  replaceSecrets(folder, { ...fresh, forgetting: true })
  say('trackers and brokers forget the old ones')
  await rollTrackers(folder, plan)
  await rollBrokers(folder, plan)
  replaceSecrets(folder, fresh)
  // It holds keys that no broker takes any more.
  if (await stopVisualizer(folder)) say('the visualizer has ended: shoal cluster up --visualizer starts it again')
  return fresh.authority?.certificate
}

async function makeNext(plan: ClusterPlan, { authority }: ClusterSecrets): Promise<SecretSet> {
  return { ...makeSecrets(), ...(usesTls(plan) ? { authority: await createAuthority(authority) } : {}) }
}

/** A node that is down could not be told from one that does not understand; a tracker of another folder would be locked out. */
async function needAllOfIt(folder: string, plan: ClusterPlan): Promise<void> {
  const trackers = trackersOf(folder, plan)
  const down = [...brokersOf(folder, plan), ...trackers].filter(node => pidOf(processOf(folder, node)) === undefined)
  if (down.length > 0)
    throw new ClusterFailure(
      'not-ready',
      `${down.map(({ name }) => name).join(', ')} does not run; start all of it first with shoal cluster up`,
    )
  const answering = await answeringTrackers({ plan, secrets: loadSecrets(folder) })
  const foreign = answering.filter(name => !trackers.some(tracker => tracker.name === name))
  if (foreign.length > 0)
    throw new ClusterFailure(
      'other-cluster',
      `${foreign.join(', ')} runs elsewhere and would not learn the new secrets; stop it, rotate, and give it the new secrets.json`,
    )
}

async function rollTrackers(folder: string, plan: ClusterPlan): Promise<void> {
  const cluster = { folder, plan, secrets: loadSecrets(folder) }
  for (const tracker of trackersOf(folder, plan)) {
    await stopProcess(processOf(folder, tracker), 'SIGTERM')
    await startTrackers(cluster, [tracker])
  }
}

async function rollBrokers(folder: string, plan: ClusterPlan): Promise<void> {
  const cluster = { folder, plan, secrets: loadSecrets(folder) }
  for (const broker of brokersOf(folder, plan)) {
    await stopProcess(processOf(folder, broker), 'SIGTERM')
    await startBrokers(
      cluster,
      [broker],
      ({ up, hasQuorum }) => up && hasQuorum,
      () => {},
    )
    const deadline = Date.now() + processTunables.startTimeoutMs
    while (!(await isCurrent(broker))) {
      if (Date.now() > deadline)
        throw new ClusterFailure('not-ready', `${broker.name} does not catch up; see its log, then rotate again`)
      await sleep(processTunables.lookEveryMs)
    }
    // Trackers that were connected there have found another way, before the next one goes.
    await startTrackers(cluster, trackersOf(folder, plan))
  }
}
