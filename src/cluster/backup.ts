// Backs up a running cluster, and restores a lost one. A back-up holds every entry up to the end that the log has when the
// back-up begins; the log is append-only, so that is the cluster's state at that moment. A restore writes the same entries
// at the same sequences into a new log before any tracker starts: a tracker with an empty log would tell every device that
// its log-in is void. An interrupted restore is never mistaken for a cluster.

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
import { type BackupEntry, backupVersion, openBackup, writeBackup } from './backup-file.ts'
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

/** Backs up a running cluster. `file` must not exist, or is a folder, where a file is named after the time. Throws ClusterFailure. */
export async function backUpCluster(folder: string, file: string): Promise<BackedUp> {
  const plan = loadPlan(folder)
  const secrets = loadSecrets(folder)
  const isFolder = statSync(file, { throwIfNoEntry: false })?.isDirectory() === true
  const madeAt = Date.now()
  const named = isFolder ? join(file, `shoal-${new Date(madeAt).toISOString().replaceAll(/[:.]/g, '-')}.backup`) : file
  if (existsSync(named)) throw new ClusterFailure('usage', `${named} exists already; choose another name`)
  const connection = await connectOperator(serversOf(plan), secrets).catch(cause => {
    throw new ClusterFailure('not-ready', 'no broker of this cluster answers; start it with shoal cluster up', {
      cause,
    })
  })
  const half = `${named}.${process.pid}.part`
  try {
    const log = await openEventLog(connection, plan.brokers)
    const { created, lastSeq } = await untilAvailable(() => log.end(), backupTunables.electionMs)
    const head = { format: 'shoal-backup', version: backupVersion, madeAt, created, lastSeq, plan, secrets } as const
    await writeBackup(half, head, entriesOf(connection, lastSeq))
    renameSync(half, named)
    return { file: named, seq: lastSeq, bytes: statSync(named).size }
  } catch (cause) {
    rmSync(half, { force: true })
    if (cause instanceof ClusterFailure) throw cause
    throw new ClusterFailure('not-ready', `the back-up failed: ${(cause as Error).message}`, { cause })
  } finally {
    await connection.close()
  }
}

/** Every entry up to `last`, in order and without a gap. A failed consumer is replaced by one that continues from there. */
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
          if (entry.seq !== seq + 1) throw new Error(`entry ${seq + 1} is missing`)
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

/** Restores into an empty folder. Options that are left out keep their values from the back-up. Throws ClusterFailure. */
export const restoreCluster = (file: string, options: ClusterOptions): Promise<RunningCluster> =>
  withClusterLock(options.folder, () => restore(file, options))

async function restore(file: string, { folder, say = () => {}, ...wanted }: ClusterOptions): Promise<RunningCluster> {
  const backup = await openBackup(file)
  const { head } = backup
  // All nodes start new, so none holds the old secrets in memory.
  const { forgetting, ...kept } = head.secrets
  if (readdirSync(folder).some(name => !name.startsWith(clusterLockFile)))
    throw new ClusterFailure(
      'other-cluster',
      `${folder} is not empty, and a restore overwrites nothing; move the folder away, or restore into another --home`,
    )
  const plan = planFrom(folder, { ...head.plan, ...wanted })
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  writeFileSync(restoringMark(folder), `${file}\n`, { mode: 0o600 })
  replaceSecrets(folder, kept)
  savePlan(folder, plan)
  // The back-up may come from a cluster without TLS, and the restored one may need TLS.
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
      // The leader of a new log cannot answer until it has heard from the other brokers.
      const { created, lastSeq } = await untilAvailable(async () => {
        await log.ensure()
        return log.end()
      }, startTimeoutMs)
      if (lastSeq > 0)
        throw new ClusterFailure('other-cluster', 'these brokers already have a log; restore into an empty folder')
      if (epochOf(created) <= epochOf(head.created))
        throw new ClusterFailure(
          'usage',
          "this machine's clock is behind the back-up's; set it right and restore again",
        )
      say(`restoring ${head.lastSeq} entries of the log`)
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

/** Appends the entries in order. Throws ClusterFailure `not-ready` when one does not get the sequence that it had. */
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
          if (acknowledged.seq !== seq) failed ??= new Error(`entry ${seq} was written as ${acknowledged.seq}`)
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
