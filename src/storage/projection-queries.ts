// What trackers are asked, straight from the projection's tables. Reads only; the request handler decides who may ask.

import type Database from 'better-sqlite3'
import type { DeviceRef } from '../domain/device-ref.ts'
import { type Manifest, pieceCount } from '../domain/manifest.ts'
import { skeleton } from '../domain/skeleton.ts'
import type { OperatorRow } from '../wire/operator-api.ts'
import type { Row, TrackerResult } from '../wire/tracker-api.ts'
import type { TrackerStats } from '../wire/tracker-status.ts'

export interface SharedFile {
  readonly name: string
  readonly size: number
  readonly sha1: string
  readonly pieces: number
  readonly pieceLength: number
  /** The devices that offer all of it, in the order they came. */
  readonly sharers: readonly DeviceRef[]
}

export interface Login {
  readonly credentialHash: string
  /** When its use was last recorded, ms since 1970. */
  readonly used: number
  readonly isDisabled: boolean
}

export interface ProjectionQueries {
  /** Undefined also for a deleted account. */
  passwordHash(user: string): string | undefined
  /** The user whose id is this one, or looks like it. */
  userLike(user: string): string | undefined
  groupLike(group: string): string | undefined
  /** Undefined unless that device is logged in, and its account is not disabled. */
  credentialHash(device: DeviceRef): string | undefined
  /** When the use of that device was last recorded; undefined unless it is logged in. */
  usedAt(device: DeviceRef): number | undefined
  /** The user's devices that are logged in, in the order they came. */
  devicesOf(user: string): { device: string; name: string; since: number; used: number }[]
  /** Deleted accounts that are still in a group, or still ask to join one. */
  unfinishedExits(): { user: string; group: string }[]
  /** Of a device that is logged in, also when its account is disabled. */
  loginOf(device: DeviceRef): Login | undefined
  /** By name, from the one behind `after` on. */
  accounts(after?: string): Iterable<OperatorRow<'user.list'>>
  ownerOf(group: string): string | undefined
  isHidden(group: string): boolean
  isMember(group: string, user: string): boolean
  hasAskedToJoin(group: string, user: string): boolean
  /** By name, from the one behind `after` on. Lists are read row by row: nothing may be applied in between. */
  groupsSeenBy(user: string, after?: string): Iterable<Row<'group.list'>>
  /** The groups that this user is in, or all groups, by name. */
  groups(most: number, member?: string): NonNullable<TrackerStats['groups']>
  requestsOf(group: string): TrackerResult<'group.requests'>
  membersOf(group: string): TrackerResult<'group.members'>
  filesOf(group: string, after?: string): Iterable<SharedFile>
  share(group: string, name: string): { id: string; manifest: Manifest; sharers: DeviceRef[] } | undefined
  shareIdOf(group: string, name: string): string | undefined
  isSharer(group: string, name: string, device: DeviceRef): boolean
  sharesOf(device: DeviceRef, after?: { readonly group: string; readonly name: string }): Iterable<Row<'agent.shares'>>
}

type GroupRow = Omit<Row<'group.list'>, 'hidden'> & { readonly hidden: number }

export function createProjectionQueries(db: Database.Database): ProjectionQueries {
  const passwordHash = db.prepare('SELECT password_hash FROM accounts WHERE user = ? AND deleted = 0').pluck()
  const userLike = db.prepare('SELECT user FROM accounts WHERE skeleton = ?').pluck()
  const groupLike = db.prepare('SELECT name FROM groups WHERE skeleton = ?').pluck()
  const login = db.prepare(`
    SELECT credential_hash AS credentialHash, used, disabled FROM devices JOIN accounts USING (user)
    WHERE user = ? AND device = ?`)
  const accounts = db.prepare(`
    SELECT user, since, iif(disabled, 'disabled', 'active') AS state,
      (SELECT count(*) FROM devices WHERE devices.user = accounts.user) AS devices,
      (SELECT count(*) FROM members WHERE members.user = accounts.user) AS groups
    FROM accounts WHERE user > ? AND deleted = 0 ORDER BY user`)
  const usedAt = db.prepare('SELECT used FROM devices WHERE user = ? AND device = ?').pluck()
  const devices = db.prepare('SELECT device, name, since, used FROM devices WHERE user = ? ORDER BY position')
  const unfinishedExits = db.prepare(`
    SELECT user, group_name AS "group" FROM accounts JOIN members USING (user) WHERE deleted = 1
    UNION SELECT user, group_name FROM accounts JOIN requests USING (user) WHERE deleted = 1`)
  const owner = db.prepare('SELECT owner FROM groups WHERE name = ?').pluck()
  const hidden = db.prepare('SELECT hidden FROM groups WHERE name = ?').pluck()
  const member = db.prepare('SELECT 1 FROM members WHERE group_name = ? AND user = ?').pluck()
  const requester = db.prepare('SELECT 1 FROM requests WHERE group_name = ? AND user = ?').pluck()
  const groups = db.prepare(`
    SELECT name AS "group", owner, (SELECT count(*) FROM members WHERE group_name = name) AS members,
      CASE WHEN owner = @user THEN 'owner'
        WHEN EXISTS (SELECT 1 FROM members WHERE group_name = name AND user = @user) THEN 'member'
        WHEN EXISTS (SELECT 1 FROM requests WHERE group_name = name AND user = @user) THEN 'requested'
        ELSE 'none' END AS you, hidden
    FROM groups WHERE name > @after AND (NOT hidden OR you != 'none') ORDER BY name`)
  const countedGroups = db.prepare(`
    SELECT name AS "group", owner, (SELECT count(*) FROM members WHERE group_name = name) AS members,
      (SELECT count(*) FROM shares WHERE group_name = groups.name) AS files
    FROM groups
    WHERE @member IS NULL OR EXISTS (SELECT 1 FROM members WHERE group_name = groups.name AND user = @member)
    ORDER BY name LIMIT @most`)
  const requests = db.prepare('SELECT user, since FROM requests WHERE group_name = ? ORDER BY position')
  const members = db.prepare(`
    SELECT user, iif(user = owner, 'owner', 'member') AS role, since
    FROM members JOIN groups ON name = group_name WHERE group_name = ? ORDER BY position`)
  const files = db.prepare(`
    SELECT file_name AS name, size, sha1, piece_length AS pieceLength FROM shares
    WHERE group_name = ? AND file_name > ? ORDER BY file_name`)
  const share = db.prepare('SELECT id, manifest FROM shares WHERE group_name = ? AND file_name = ?')
  const shareId = db.prepare('SELECT id FROM shares WHERE group_name = ? AND file_name = ?').pluck()
  const sharersOfFile = db.prepare(
    'SELECT user, device FROM sharers WHERE group_name = ? AND file_name = ? ORDER BY position',
  )
  const sharer = db
    .prepare('SELECT 1 FROM sharers WHERE group_name = ? AND file_name = ? AND user = ? AND device = ?')
    .pluck()
  const shares = db.prepare(`
    SELECT sharers.group_name AS "group", sharers.file_name AS name, id AS share
    FROM sharers JOIN shares USING (group_name, file_name)
    WHERE user = ? AND device = ? AND (sharers.group_name, sharers.file_name) > (?, ?)
    ORDER BY sharers.group_name, sharers.file_name`)

  const loginOf = ({ user, device }: DeviceRef): Login | undefined => {
    const found = login.get(user, device) as { credentialHash: string; used: number; disabled: number } | undefined
    return found && { credentialHash: found.credentialHash, used: found.used, isDisabled: found.disabled === 1 }
  }

  return {
    passwordHash: user => passwordHash.get(user) as string | undefined,
    userLike: user => userLike.get(skeleton(user)) as string | undefined,
    groupLike: group => groupLike.get(skeleton(group)) as string | undefined,
    credentialHash(device) {
      const found = loginOf(device)
      return found?.isDisabled ? undefined : found?.credentialHash
    },
    loginOf,
    usedAt: ({ user, device }) => usedAt.get(user, device) as number | undefined,
    devicesOf: user => devices.all(user) as { device: string; name: string; since: number; used: number }[],
    unfinishedExits: () => unfinishedExits.all() as { user: string; group: string }[],
    accounts: (after = '') => accounts.iterate(after) as Iterable<OperatorRow<'user.list'>>,
    ownerOf: group => owner.get(group) as string | undefined,
    isHidden: group => hidden.get(group) === 1,
    isMember: (group, user) => member.get(group, user) !== undefined,
    hasAskedToJoin: (group, user) => requester.get(group, user) !== undefined,
    *groupsSeenBy(user, after = '') {
      for (const { hidden: isHidden, ...row } of groups.iterate({ user, after }) as Iterable<GroupRow>)
        yield isHidden ? { ...row, hidden: true } : row
    },
    groups: (most, member) =>
      countedGroups.all({ most, member: member ?? null }) as NonNullable<TrackerStats['groups']>,
    requestsOf: group => requests.all(group) as TrackerResult<'group.requests'>,
    membersOf: group => members.all(group) as TrackerResult<'group.members'>,
    *filesOf(group, after = '') {
      for (const file of files.iterate(group, after) as Iterable<Omit<SharedFile, 'pieces' | 'sharers'>>)
        yield { ...file, pieces: pieceCount(file), sharers: sharersOfFile.all(group, file.name) as DeviceRef[] }
    },
    share(group, name) {
      const found = share.get(group, name) as { id: string; manifest: string } | undefined
      if (!found) return undefined
      return {
        id: found.id,
        manifest: JSON.parse(found.manifest) as Manifest,
        sharers: sharersOfFile.all(group, name) as DeviceRef[],
      }
    },
    shareIdOf: (group, name) => shareId.get(group, name) as string | undefined,
    isSharer: (group, name, { user, device }) => sharer.get(group, name, user, device) !== undefined,
    sharesOf: ({ user, device }, { group, name } = { group: '', name: '' }) =>
      shares.iterate(user, device, group, name) as Iterable<Row<'agent.shares'>>,
  }
}
