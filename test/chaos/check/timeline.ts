// Every state that each group has had, by sequence, and the rules that the log itself broke on the way.

import type { Line, Violation } from './history.ts'
import { broken, evolve, type GroupState, requestOf, verdict } from './model.ts'

interface Version {
  /** Valid from this sequence until the next version's. */
  readonly from: number
  readonly state: GroupState | undefined
}

export interface Timeline {
  readonly groups: ReadonlyMap<string, readonly Version[]>
  /** The first sequence from `from` to `to` at which the group's state satisfies; undefined if none does. */
  find(
    group: string,
    from: number,
    to: number,
    satisfies: (state: GroupState | undefined) => boolean,
  ): number | undefined
  stateAt(group: string, seq: number): GroupState | undefined
  hasLoggedIn(user: string, device: string): boolean
  readonly end: number
  readonly violations: readonly Violation[]
}

export function timelineOf(log: readonly Line[]): Timeline {
  const groups = new Map<string, Version[]>()
  const accounts = new Map<string, Set<string>>()
  const everLoggedIn = new Set<string>()
  const violations: Violation[] = []
  const wrong = ({ seq }: Line, what: string) => violations.push({ kind: 'rule broken', what: `entry ${seq}: ${what}` })
  const versionsOf = (group: string) => {
    const known = groups.get(group)
    if (known) return known
    const made: Version[] = [{ from: 0, state: undefined }]
    groups.set(group, made)
    return made
  }

  for (const line of log) {
    const request = requestOf(line)
    if (!request) {
      wrong(line, `no request leads to ${line.events.map(({ type }) => type).join()}`)
      continue
    }
    const { method, params } = request
    const user = params.user ?? ''
    if (method === 'signup') {
      if (accounts.has(user)) wrong(line, `${user} signed up a second time`)
      accounts.set(user, new Set())
    } else if (method === 'login' || method === 'device.logout') {
      const devices = accounts.get(user)
      const device = String(line.events[0]!.device)
      if (!devices) wrong(line, `${user} has no account`)
      else if (method === 'login') {
        devices.add(device)
        everLoggedIn.add(`${user}/${device}`)
      } else if (!devices.delete(device)) wrong(line, `${device} was logged out twice`)
    } else {
      const versions = versionsOf(params.group!)
      const before = versions.at(-1)!.state
      const by = line.by ?? { user: '', device: '' }
      // `user` is the accepted or removed person; `by` acts.
      const said = verdict(
        before,
        by,
        method,
        params.sha1 === undefined ? { ...params, ...ofShare(before, params.name) } : params,
      )
      if (said !== 'act') wrong(line, `${method} ${JSON.stringify(params)} by ${by.user} acted, and was due ${said}`)
      const state = line.events.reduce<GroupState | undefined>(evolve, before)
      const broke = state && broken(state)
      if (broke) wrong(line, `of ${params.group}, ${broke}`)
      const heir =
        before?.owner === by.user && method === 'group.leave' ? before.members.find(m => m !== by.user) : undefined
      if (heir && state?.owner !== heir) wrong(line, `${params.group} went to ${state?.owner}, not to ${heir}`)
      versions.push({ from: line.seq, state })
    }
  }

  const end = log.at(-1)?.seq ?? 0
  const indexAt = (versions: readonly Version[], seq: number) => {
    let [low, high] = [0, versions.length - 1]
    while (low < high) {
      const middle = (low + high + 1) >> 1
      if (versions[middle]!.from <= seq) low = middle
      else high = middle - 1
    }
    return low
  }
  const none: readonly Version[] = [{ from: 0, state: undefined }]
  return {
    groups,
    hasLoggedIn: (user, device) => everLoggedIn.has(`${user}/${device}`),
    end,
    violations,
    stateAt(group, seq) {
      const versions = groups.get(group) ?? none
      return versions[indexAt(versions, seq)]!.state
    },
    find(group, from, to, satisfies) {
      const versions = groups.get(group) ?? none
      for (let at = indexAt(versions, from); at < versions.length && versions[at]!.from <= to; at++)
        if (satisfies(versions[at]!.state)) return Math.max(from, versions[at]!.from)
      return undefined
    },
  }
}

const ofShare = (state: GroupState | undefined, name: string | undefined) => {
  const sha1 = state?.shares.get(name ?? '')?.sha1
  return sha1 === undefined ? {} : { sha1 }
}
