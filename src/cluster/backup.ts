// Backing up a cluster that runs, and bringing one back that was lost whole. The log only ever grows, so what it holds up
// to any entry is what was so at that moment: a back-up takes everything up to where the log ends when it begins. A restore
// makes a new log with the same entries at the same sequences before any tracker runs: one that met an empty log would
// tell every device that its log-in is void. A restore that was broken off is never taken for a cluster.

import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { AckPolicy, DeliverPolicy, jetstream, jetstreamManager } from '@nats-io/jetstream'
import type { NatsConnection } from 'nats'
import { backupTunables, processTunables } from '../../config/cluster.ts'
import { openEventLog } from '../actors/tracker/event-log.ts'
import { epochOf } from '../domain/log-position.ts'
import { readLogEntry } from '../wire/log-entry.ts'
import { logStream } from '../wire/subjects.ts'
import { type BackupEntry, openBackup, writeBackup } from './backup-file.ts'
import { type ClusterOptions, planFrom, type RunningCluster, startAll } from './cluster.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { clusterLockFile, withClusterLock } from './cluster-lock.ts'
import { brokersOf, loadPlan, savePlan, serversOf, usesTls } from './cluster-plan.ts'
import { processOf, startBrokers } from './cluster-processes.ts'
import { stopProcess } from './node-process.ts'
import { connectOperator } from './operator.ts'
import { restoringMark } from './restoring-mark.ts'
import { createAuthoritySecrets, loadSecrets, replaceSecrets } from './secrets.ts'
import { untilAvailable } from './until-available.ts'

export interface BackedUp {
  readonly file: string
  /** The last entry of the log in it. */
  readonly seq: number
  readonly bytes: number
}

/** Of a cluster that runs; `file` is new, or a folder that gets a file named after the time. Throws ClusterFailure. */
export async function backUpCluster(folder: string, file: string): Promise<BackedUp> {
  const plan = loadPlan(folder)
  const secrets = loadSecrets(folder)
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
  const madeAt = Date.now()
  const named = isFolder ? join(file, `shoal-${new Date(madeAt).toISOString().replaceAll(/[:.]/g, '-')}.backup`) : file
  if (existsSync(named)) throw new ClusterFailure('usage', `${named} is there already; give another name`)
  const connection = await connectOperator(serversOf(plan), secrets).catch(cause => {
    throw new ClusterFailure('not-ready', 'no broker of this cluster answers; start it with shoal cluster up', {
      cause,
    })
  })
  const half = `${named}.${process.pid}.part`
  try {
    const log = await openEventLog(connection, plan.brokers)
    const { created, lastSeq } = await untilAvailable(() => log.end(), backupTunables.electionMs)
    const head = { format: 'shoal-backup', version: 1, madeAt, created, lastSeq, plan, secrets } as const
    await writeBackup(half, head, entriesOf(connection, lastSeq))
    renameSync(half, named)
    return { file: named, seq: lastSeq, bytes: statSync(named).size }
  } catch (cause) {
    rmSync(half, { force: true })
    if (cause instanceof ClusterFailure) throw cause
    throw new ClusterFailure('not-ready', `the back-up was not made: ${(cause as Error).message}`, { cause })
  } finally {
    await connection.close()
  }
}

/** Every entry up to that one, in order; whatever a consumer does when its broker dies, none is left out. */
async function* entriesOf(connection: NatsConnection, last: number): AsyncGenerator<BackupEntry> {
  const manager = await jetstreamManager(connection, { checkAPI: false })
  let seq = 0
  for (let failures = 0; seq < last; ) {
    const before = seq
    try {
      const { name } = await manager.consumers.add(logStream, {
        ack_policy: AckPolicy.None,
        deliver_policy: DeliverPolicy.StartSequence,
        opt_start_seq: seq + 1,
        inactive_threshold: backupTunables.consumerForgottenMs * 1_000_000,
      })
      const consumer = await jetstream(connection).consumers.get(logStream, name)
      while (seq < last) {
        const max_messages = Math.min(backupTunables.entriesAtOnce, last - seq)
        const taken: BackupEntry[] = []
        for await (const { seq: at, subject, data } of await consumer.fetch({
          max_messages,
          expires: backupTunables.fetchMs,
        }))
          taken.push({ seq: at, subject, data })
        for (const entry of taken) {
          if (entry.seq !== seq + 1) throw new Error(`entry ${seq + 1} did not come`)
          seq = entry.seq
          yield entry
        }
        if (taken.length < max_messages) throw new Error('the brokers sent too few entries')
      }
      await manager.consumers.delete(logStream, name).catch(() => {})
    } catch (cause) {
      failures = seq > before ? 0 : failures + 1
      if (failures > backupTunables.attempts) throw cause
      await sleep(backupTunables.againAfterMs)
    }
  }
}

/** Into a folder without a cluster. What is not given is as it was backed up. Throws ClusterFailure. */
export const restoreCluster = (file: string, options: ClusterOptions): Promise<RunningCluster> =>
  withClusterLock(options.folder, () => restore(file, options))

async function restore(file: string, { folder, say = () => {}, ...wanted }: ClusterOptions): Promise<RunningCluster> {
  const backup = await openBackup(file)
  const { head } = backup
  // Every node starts anew.
  const { forgetting, ...kept } = head.secrets
  if (readdirSync(folder).some(name => !name.startsWith(clusterLockFile)))
    throw new ClusterFailure(
      'other-cluster',
      `${folder} is not empty: move it away first, or restore into another --home; nothing is overwritten`,
    )
  const plan = planFrom(folder, { ...head.plan, ...wanted })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(restoringMark(folder), `${file}\n`, { mode: 0o600 })
  replaceSecrets(folder, kept)
  savePlan(folder, plan)
  // What was backed up on the loopback may be restored where there is nothing but TLS.
  const secrets = usesTls(plan) ? await createAuthoritySecrets(folder) : kept
  const brokers = brokersOf(folder, plan)
  const cluster = { folder, plan, secrets }
  try {
    say(`starting ${brokers.map(({ name }) => name).join(', ')}`)
    await startBrokers(cluster, brokers, ({ up, hasQuorum }) => up && hasQuorum, say)
    const { startTimeoutMs } = processTunables
    const connection = await untilAvailable(() => connectOperator(serversOf(plan), secrets), startTimeoutMs)
    try {
      const log = await openEventLog(connection, plan.brokers)
      // Right after it was made its leader may not have heard the other brokers yet, and cannot speak for them.
      const { created, lastSeq } = await untilAvailable(async () => {
        await log.ensure()
        return log.end()
      }, startTimeoutMs)
      if (lastSeq > 0) throw new ClusterFailure('other-cluster', 'these brokers have a log already')
      if (epochOf(created) <= epochOf(head.created))
        throw new ClusterFailure(
          'usage',
          "this machine's clock is behind the back-up's; set it right and restore again",
        )
      say(`bringing back ${head.lastSeq} entries of the log`)
      await append(connection, backup.entries())
    } finally {
      await connection.close()
    }
  } catch (error) {
    await Promise.all(brokers.map(broker => stopProcess(processOf(folder, broker), 'SIGKILL')))
    throw error
  }
  rmSync(restoringMark(folder))
  return startAll(cluster, say)
}

/** In order, each at the sequence that it had, or not at all. */
async function append(connection: NatsConnection, entries: AsyncIterable<BackupEntry>): Promise<void> {
  const js = jetstream(connection)
  const waiting = new Set<Promise<void>>()
  let failed: unknown
  for await (const { seq, subject, data } of entries) {
    const id = readLogEntry(seq, subject, data).record?.id
    const sent = js
      .publish(subject, data, { ...(id ? { msgID: id } : {}), retries: 1, timeout: backupTunables.appendTimeoutMs })
      .then(
        acknowledged => {
          if (acknowledged.seq !== seq) failed ??= new Error(`entry ${seq} came to be ${acknowledged.seq}`)
        },
        error => {
          failed ??= error
        },
      )
    waiting.add(sent)
    void sent.then(() => waiting.delete(sent))
    if (waiting.size >= backupTunables.appendsAtOnce) await Promise.race(waiting)
    if (failed) break
  }
  await Promise.all(waiting)
  if (failed)
    throw new ClusterFailure(
      'not-ready',
      `the log could not be written: ${(failed as Error).message}; remove the cluster's folder and restore again`,
      { cause: failed },
    )
}
