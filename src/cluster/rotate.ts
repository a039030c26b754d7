// Replaces every secret of a running cluster without an outage. Trackers load the new set before any broker uses it.
// Brokers accept trackers with either set until all trackers use the new one. Devices learn the new ticket key as they
// reconnect, before any ticket is issued with it. Each step is saved before it is taken, so an interrupted rotation
// continues where it stopped, until no node has the old set in memory.

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

/** Returns the new authority's certificate; undefined without TLS. Throws ClusterFailure. */
export const rotateSecrets = (folder: string, say: (line: string) => void = () => {}): Promise<string | undefined> =>
  withClusterLock(folder, () => rotate(folder, say))

async function rotate(folder: string, say: (line: string) => void): Promise<string | undefined> {
  refuseHalfRestored(folder)
  const plan = loadPlan(folder)
  await requireAllNodes(folder, plan)
  const { next, retiring, forgetting, ...current } = loadSecrets(folder)
  let fresh: SecretSet = current
  let old = retiring
  if (forgetting) say('finishing an interrupted rotation; for another one, rotate again afterwards')
  else if (!old) {
    fresh = next ?? (await makeNext(plan, current))
    replaceSecrets(folder, { ...current, next: fresh })
    say('trackers load the new secrets')
    await rollTrackers(folder, plan)
    say('brokers switch to the new secrets')
    await rollBrokers(folder, plan)
    old = current
  }
  if (old) {
    replaceSecrets(folder, { ...fresh, retiring: old })
    say('trackers switch to the new secrets')
    await rollTrackers(folder, plan)
  }
  replaceSecrets(folder, { ...fresh, forgetting: true })
  say('trackers and brokers forget the old secrets')
  await rollTrackers(folder, plan)
  await rollBrokers(folder, plan)
  replaceSecrets(folder, fresh)
  // Its keys are no longer accepted by any broker.
  if (await stopVisualizer(folder)) say('stopped the visualizer; start it again with shoal cluster up --visualizer')
  return fresh.authority?.certificate
}

async function makeNext(plan: ClusterPlan, { authority }: ClusterSecrets): Promise<SecretSet> {
  return { ...makeSecrets(), ...(usesTls(plan) ? { authority: await createAuthority(authority) } : {}) }
}

/** A stopped node would miss a step, and a tracker of another folder would be locked out. */
async function requireAllNodes(folder: string, plan: ClusterPlan): Promise<void> {
  const trackers = trackersOf(folder, plan)
  const down = [...brokersOf(folder, plan), ...trackers].filter(node => pidOf(processOf(folder, node)) === undefined)
  if (down.length > 0)
    throw new ClusterFailure(
      'not-ready',
      `the cluster is not complete without ${down.map(({ name }) => name).join(', ')}; start the rest with shoal cluster up, then rotate`,
    )
  const answering = await answeringTrackers({ plan, secrets: loadSecrets(folder) })
  const foreign = answering.filter(name => !trackers.some(tracker => tracker.name === name))
  if (foreign.length > 0)
    throw new ClusterFailure(
      'other-cluster',
      `${foreign.join(', ')} runs elsewhere and would not get the new secrets; stop it, rotate, then copy the new secrets.json to it`,
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
        throw new ClusterFailure('not-ready', `${broker.name} did not catch up; see its log, then rotate again`)
      await sleep(processTunables.lookEveryMs)
    }
    // Trackers that were connected to this broker have reconnected before the next broker stops.
    await startTrackers(cluster, trackersOf(folder, plan))
  }
}
