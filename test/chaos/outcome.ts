// The state at the end of a run: the whole log, as the brokers keep it, and the answers of each tracker alone.

import { setTimeout as delay } from 'node:timers/promises'
import { jetstreamManager } from '@nats-io/jetstream'
import { connectOperator, trackersThatAnswer } from '../../src/cluster/operator.ts'
import { openProjection } from '../../src/storage/projection.ts'
import type { TrackerMethod } from '../../src/wire/tracker-api.ts'
import type { TrackerStatus } from '../../src/wire/tracker-status.ts'
import type { Line, Testimony } from './check/history.ts'
import { verdict } from './check/model.ts'
import { timelineOf } from './check/timeline.ts'
import type { LightPerson } from './light-person.ts'
import type { Stage } from './stage/stage.ts'

export async function readLog({ servers, secrets }: Stage): Promise<Line[]> {
  const connection = await connectOperator(servers, secrets)
  try {
    const { streams } = await jetstreamManager(connection)
    const { state } = await streams.info('SHOAL')
    const lines: Line[] = []
    const batch = 200
    for (let first = 1; first <= state.last_seq; first += batch) {
      const seqs = Array.from({ length: Math.min(batch, state.last_seq - first + 1) }, (_, index) => first + index)
      const messages = await Promise.all(seqs.map(seq => streams.getMessage('SHOAL', { seq })))
      for (const message of messages)
        if (message) lines.push({ ...(JSON.parse(message.string()) as Omit<Line, 'seq'>), seq: message.seq })
    }
    return lines
  } finally {
    await connection.close()
  }
}

export async function statusesOf({ servers, secrets }: Stage): Promise<TrackerStatus[]> {
  const connection = await connectOperator(servers, secrets)
  try {
    return await trackersThatAnswer(connection)
  } finally {
    await connection.close()
  }
}

/** Undefined once everything is as it should be after the last fault; otherwise what is not, when time is up. */
export async function healed(stage: Stage, withinMs: number): Promise<string | undefined> {
  const until = Date.now() + withinMs
  for (;;) {
    const isCurrent = await stage.isCurrent()
    const statuses = isCurrent ? await statusesOf(stage).catch(() => []) : []
    const isEqual = new Set(statuses.map(({ seq }) => seq)).size === 1 && statuses.length === stage.trackers.length
    if (isEqual) return undefined
    if (Date.now() > until)
      return isCurrent ? `the trackers do not meet: ${JSON.stringify(statuses)}` : 'the brokers do not all have the log'
    await delay(250)
  }
}

/** Stops all trackers but one, in turn, and asks it about every group on behalf of each person. */
export async function hearEach(
  stage: Stage,
  people: readonly LightPerson[],
  log: readonly Line[],
): Promise<Testimony[]> {
  const testimonies: Testimony[] = []
  const { groups, end, stateAt } = timelineOf(log)
  const isVisible = (user: string, group: string, method: string) =>
    verdict(stateAt(group, end), { user, device: '' }, method, {}) === 'nothing'
  for (const tracker of stage.trackers) {
    tracker.start()
    for (const other of stage.trackers) if (other !== tracker) await other.stop()
    const reads: Testimony['reads'][number][] = []
    const unanswered: string[] = []
    const ask = async (person: LightPerson, method: TrackerMethod, params: { group?: string }) => {
      let answer = await person.ask(method, params)
      // Connections that the stopped tracker had admitted are made again.
      for (let tries = 0; answer?.kind !== 'done' && tries < 20; tries++) {
        await delay(250)
        answer = await person.ask(method, params)
      }
      if (answer?.kind === 'done') reads.push({ user: person.user, method, params, result: answer.result })
      else
        unanswered.push(`${method} ${JSON.stringify(params)} of ${person.user}: ${JSON.stringify(answer ?? 'silence')}`)
    }
    let status: TrackerStatus | undefined
    for (let tries = 0; status === undefined && tries < 40; tries++) {
      const found = await statusesOf(stage).catch(() => [])
      status = found.length === 1 && found[0]!.seq >= end ? found[0] : undefined
      if (!status) await delay(250)
    }
    // Lists of groups that a person is not in were judged during the run.
    const hear = async (person: LightPerson) => {
      await ask(person, 'group.list', {})
      for (const group of groups.keys())
        for (const method of ['group.members', 'group.requests', 'group.files'] as const)
          if (isVisible(person.user, group, method)) await ask(person, method, { group })
    }
    await Promise.all(people.map(hear))
    testimonies.push({
      tracker: tracker.name,
      seq: status?.seq ?? 0,
      digest: status?.digest ?? 'none',
      isDigestTrue: hasTrueDigest(tracker.projection),
      reads,
      unanswered,
    })
  }
  for (const tracker of stage.trackers) tracker.start()
  return testimonies
}

/** Reads the file beside its tracker, while nothing is written. */
function hasTrueDigest(file: string): boolean {
  const projection = openProjection(file)
  try {
    return projection?.hasTrueDigest() ?? false
  } finally {
    projection?.close()
  }
}
