// Finds the promises that a finished history broke. Pure: the same history gives the same result. An ambiguous answer may
// have acted or not; every other answer is compared with the log, and the log with its rules.

import type { Entry, History, Line, Violation } from './history.ts'
import { requestOf, rowOf, seenByReader, seenIn, verdict } from './model.ts'
import { type Timeline, timelineOf } from './timeline.ts'

/** Refusals that say nothing about accounts and groups. */
const saysNothing = new Set(['no-quorum', 'unreachable', 'too-many', 'not-logged-in', 'bad-credentials'])
const reads = new Set(['group.list', 'group.members', 'group.requests', 'group.files'])
const accountMethods = new Set(['signup', 'login', 'device.logout'])

export interface Judgement {
  readonly violations: readonly Violation[]
  /** Acknowledged writes, and those that the log lacks. */
  readonly acknowledged: number
  readonly lost: number
  readonly maybe: number
  readonly reads: number
}

export function judge(history: History): Judgement {
  const { entries, log, testimonies, deliveries } = history
  const timeline = timelineOf(log)
  const violations: Violation[] = [...timeline.violations]
  const byId = new Map<string, Line>()
  for (const line of log) {
    const before = byId.get(line.id)
    if (before) violations.push({ kind: 'acted twice', what: `request ${line.id} at ${before.seq} and at ${line.seq}` })
    else byId.set(line.id, line)
  }
  const asked = new Set(entries.map(({ id }) => id))
  const unclaimed = new Set(log.filter(({ id }) => !asked.has(id)))
  let [acknowledged, lost, maybe, readCount] = [0, 0, 0, 0]

  const ofDevice = Map.groupBy(entries, ({ user, device }) => `${user}/${device}`)
  for (const own of ofDevice.values()) {
    const told = own.toSorted((a, b) => a.to - b.to)
    let [next, seen] = [0, 0]
    for (const entry of own.toSorted((a, b) => a.from - b.from)) {
      // What this device knew before it asked; concurrent requests have no order.
      for (; next < told.length && told[next]!.to <= entry.from; next++) {
        const { answer } = told[next]!
        if (answer.kind !== 'maybe') seen = Math.max(seen, answer.seq ?? 0)
      }
      const add = (kind: Violation['kind'], what: string) =>
        violations.push({ kind, what: `${describe(entry)}: ${what}` })
      const { answer, id, method } = entry
      if (answer.kind === 'maybe') {
        maybe++
        continue
      }
      const upTo = answer.seq ?? timeline.end
      if (upTo < seen) add('answered from behind', `from ${upTo}, and the device had seen ${seen}`)
      if (answer.kind === 'done' && reads.has(method)) {
        readCount++
        judgeRead(timeline, entry, seen, upTo, add)
        continue
      }
      if (reads.has(method)) {
        judgeRefusal(timeline, entry, seen, upTo, add)
        continue
      }
      const line = id === undefined ? claim(unclaimed, entry, seen) : byId.get(id)
      if (answer.kind === 'refused') {
        if (id !== undefined && line) add('refused write present', `${answer.code}, and it is entry ${line.seq}`)
        else if (!accountMethods.has(method)) judgeRefusal(timeline, entry, seen, upTo, add)
        continue
      }
      acknowledged++
      if (line) {
        if (answer.seq !== undefined && line.seq > answer.seq)
          add('acknowledged before it was there', `from ${answer.seq}, and it is entry ${line.seq}`)
      } else if (!wasNothingToDo(timeline, entry, seen, upTo)) {
        lost++
        add('acknowledged write lost', 'the log has no such entry')
      }
    }
  }
  for (const testimony of testimonies) {
    const { tracker, seq, digest } = testimony
    const [first] = testimonies
    if (seq !== timeline.end || digest !== first!.digest)
      violations.push({
        kind: 'trackers differ',
        what: `${tracker} is at ${seq} with ${digest}; the log ends at ${timeline.end}, ${first!.tracker} has ${first!.digest}`,
      })
    if (!testimony.isDigestTrue)
      violations.push({ kind: 'trackers differ', what: `${tracker}: ${digest} does not stand for its rows` })
    for (const what of testimony.unanswered) violations.push({ kind: 'trackers differ', what: `${tracker}, ${what}` })
    for (const read of testimony.reads) {
      const add = (_: Violation['kind'], what: string) =>
        violations.push({
          kind: 'trackers differ',
          what: `${tracker}, ${read.method} ${JSON.stringify(read.params)}: ${what}`,
        })
      const answer = { kind: 'done', seq: timeline.end, result: read.result } as const
      judgeRead(timeline, { ...read, device: '', from: 0, to: 0, answer }, timeline.end, timeline.end, add)
    }
  }
  for (const { device, name, expected, found } of deliveries)
    if (found !== expected) violations.push({ kind: 'download differs', what: `${name} on ${device}: ${found}` })
  return { violations, acknowledged, lost, maybe, reads: readCount }
}

const describe = ({ user, device, method, params, from, to }: Entry) =>
  `${method} ${JSON.stringify(params)} by ${user}/${device} (${from.toFixed(0)} to ${to.toFixed(0)} ms)`

type Add = (kind: Violation['kind'], what: string) => void

function judgeRead(timeline: Timeline, entry: Entry, from: number, to: number, add: Add): void {
  const { method, params, user, answer } = entry
  const result = answer.kind === 'done' ? answer.result : undefined
  let isSo: (from: number, to: number) => boolean
  if (method === 'group.list') {
    const rows = new Map(
      (result as { group: string; owner: string; members: number; you: string }[]).map(
        ({ group, owner, members, you }) => [group, [owner, members, you].join()] as const,
      ),
    )
    const groups = new Set([...rows.keys(), ...timeline.groups.keys()])
    isSo = (from, to) => allAtOnce(timeline, groups, from, to, (group, state) => rowOf(state, user) === rows.get(group))
  } else {
    const seen = JSON.stringify(seenByReader(result, method))
    isSo = (from, to) =>
      timeline.find(
        params.group!,
        from,
        to,
        state => state !== undefined && JSON.stringify(seenIn(state, method)) === seen,
      ) !== undefined
  }
  if (isSo(from, to)) return
  if (isSo(0, from)) add('read went back', `what it says was so before ${from}, which the device had seen`)
  else
    add('read what never was', `it was so at no point from ${from} to ${to}: ${JSON.stringify(result).slice(0, 300)}`)
}

/** Whether there is one sequence at which every group satisfies. */
function allAtOnce(
  timeline: Timeline,
  groups: Iterable<string>,
  from: number,
  to: number,
  isAsWanted: (group: string, state: ReturnType<Timeline['stateAt']>) => boolean,
): boolean {
  const all = [...groups]
  let at = from
  for (let agreed = 0, next = 0; agreed < all.length; next = (next + 1) % all.length) {
    const group = all[next]!
    const found = timeline.find(group, at, to, state => isAsWanted(group, state))
    if (found === undefined) return false
    agreed = found === at ? agreed + 1 : 1
    at = found
  }
  return true
}

function judgeRefusal(timeline: Timeline, entry: Entry, from: number, to: number, add: Add): void {
  const { answer, method, params } = entry
  if (answer.kind !== 'refused' || saysNothing.has(answer.code)) return
  const { code } = answer
  // The agent checks the file itself and its library before it asks the trackers.
  if (entry.id === undefined) return
  const found = timeline.find(params.group!, from, to, state => verdict(state, entry, method, params) === code)
  if (found === undefined) add('refused without reason', `${code}, for which there was no reason from ${from} to ${to}`)
}

function wasNothingToDo(timeline: Timeline, entry: Entry, from: number, to: number): boolean {
  const { method, params } = entry
  if (method === 'device.logout') return true
  // A command line whose device is already logged in sends no request.
  if (method === 'login' && entry.id === undefined) return timeline.hasLoggedIn(entry.user, entry.device)
  if (accountMethods.has(method)) return false
  return (
    timeline.find(params.group!, from, to, state => verdict(state, entry, method, params) === 'nothing') !== undefined
  )
}

/** A log entry for a command whose request id is unknown: each justifies one command. */
function claim(unclaimed: Set<Line>, entry: Entry, after: number): Line | undefined {
  for (const line of unclaimed) {
    if (line.seq <= after) continue
    const request = requestOf(line)
    if (request?.method !== entry.method) continue
    const { user, device } = line.by ?? { user: request.params.user, device: entry.device }
    if (user !== entry.user || device !== entry.device) continue
    const { group, name } = entry.params
    if (request.params.group !== group || (name !== undefined && request.params.name !== name)) continue
    unclaimed.delete(line)
    return line
  }
  return undefined
}
