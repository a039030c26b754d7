// Writes one event of the log into the projection's tables: the SQL twin of the domain's `evolve`, which tests hold
// it to. Total: an event that changes nothing there changes nothing here.

import type Database from 'better-sqlite3'
import { skeleton } from '../domain/skeleton.ts'
import type { LogEvent } from '../wire/log-record.ts'

type Writers = { [T in LogEvent['type']]: (event: Extract<LogEvent, { type: T }>, position: number) => void }

/** `position` orders what the event adds after everything added before. */
export function createEventWriter(db: Database.Database): (event: LogEvent, position: number) => void {
  const sql = (text: string) => db.prepare(text)
  const addAccount = sql('INSERT OR REPLACE INTO accounts VALUES (?, ?, ?, ?, 0, 0)')
  const setDisabled = sql('UPDATE accounts SET disabled = ? WHERE user = ?')
  const setPassword = sql('UPDATE accounts SET password_hash = ? WHERE user = ?')
  const markDeleted = sql(`UPDATE accounts SET password_hash = '', deleted = 1 WHERE user = ?`)
  const setSignUp = sql('UPDATE settings SET sign_up = ?')
  const dropDevices = sql(`DELETE FROM devices
    WHERE user = @user OR user IN (SELECT user FROM accounts WHERE skeleton = @like)`)
  const dropDevicesOf = sql('DELETE FROM devices WHERE user = ?')
  const addDevice = sql(`INSERT INTO devices VALUES (?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET credential_hash = excluded.credential_hash, name = excluded.name,
      since = excluded.since, used = excluded.used`)
  const setUsed = sql('UPDATE devices SET used = ? WHERE user = ? AND device = ?')
  const dropDevice = sql('DELETE FROM devices WHERE user = ? AND device = ?')
  const addGroup = sql('INSERT INTO groups VALUES (?, ?, ?, ?)')
  const groupsLike = sql('SELECT name FROM groups WHERE skeleton = ?').pluck()
  const setOwner = sql('UPDATE groups SET owner = ? WHERE name = ?')
  const addMember = sql(`INSERT INTO members VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = excluded.since`)
  const dropMember = sql('DELETE FROM members WHERE group_name = ? AND user = ?')
  const addRequest = sql(`INSERT INTO requests VALUES (?, ?, ?, ?) ON CONFLICT DO UPDATE SET since = excluded.since`)
  const dropRequest = sql('DELETE FROM requests WHERE group_name = ? AND user = ?')
  const addShare = sql(`INSERT INTO shares VALUES (?, ?, ?, ?, ?, ?, ?, ?)
    ON CONFLICT DO UPDATE SET id = excluded.id, size = excluded.size, sha1 = excluded.sha1,
      piece_length = excluded.piece_length, manifest = excluded.manifest`)
  const dropShare = sql('DELETE FROM shares WHERE group_name = ? AND file_name = ?')
  const dropSharers = sql('DELETE FROM sharers WHERE group_name = ? AND file_name = ?')
  const addSharer = sql(`INSERT INTO sharers SELECT group_name, file_name, ?, ?, ? FROM shares
    WHERE group_name = ? AND file_name = ? ON CONFLICT DO NOTHING`)
  const dropSharer = sql(`DELETE FROM sharers
    WHERE group_name = ? AND file_name = ? AND user = ? AND device = ifnull(?, device)`)
  // By the index of the user's devices (the + keeps SQLite from reading all sharers of the group).
  const dropSharersOf = sql('DELETE FROM sharers WHERE user = ? AND +group_name = ?')
  const dropSharesOfAlone = sql(`DELETE FROM shares WHERE group_name = @group
    AND file_name IN (SELECT file_name FROM sharers WHERE user = @user AND +group_name = @group)
    AND NOT EXISTS (SELECT 1 FROM sharers AS others
      WHERE others.group_name = @group AND others.file_name = shares.file_name AND others.user != @user)`)
  const dropAllOfGroup = [
    sql('DELETE FROM groups WHERE name = ?'),
    ...['members', 'requests', 'shares', 'sharers'].map(table => sql(`DELETE FROM ${table} WHERE group_name = ?`)),
  ]
  const endGroup = (group: string) => {
    for (const drop of dropAllOfGroup) drop.run(group)
  }
  const endMembership = ({ group, user }: { group: string; user: string }) => {
    dropMember.run(group, user)
    dropSharesOfAlone.run({ group, user })
    dropSharersOf.run(user, group)
  }

  const writers: Writers = {
    'account.created': ({ user, passwordHash, at }) => {
      const like = skeleton(user)
      dropDevices.run({ user, like })
      addAccount.run(user, like, passwordHash, at)
    },
    'account.disabled': ({ user }) => setDisabled.run(1, user),
    'account.enabled': ({ user }) => setDisabled.run(0, user),
    'device.logged-in': ({ user, device, name, credentialHash, at }, position) =>
      addDevice.run(user, device, credentialHash, name, at, at, position),
    'device.used': ({ user, device, at }) => setUsed.run(at, user, device),
    'device.logged-out': ({ user, device }) => dropDevice.run(user, device),
    'password.changed': ({ user, passwordHash }) => setPassword.run(passwordHash, user),
    'account.deleted': ({ user }) => {
      markDeleted.run(user)
      dropDevicesOf.run(user)
    },
    'group.created': ({ group, owner, at, hidden }, position) => {
      const like = skeleton(group)
      for (const name of [group, ...(groupsLike.all(like) as string[])]) endGroup(name)
      addGroup.run(group, like, owner, hidden ? 1 : 0)
      addMember.run(group, owner, at, position)
    },
    'join.requested': ({ group, user, at }, position) => addRequest.run(group, user, at, position),
    'join.accepted': ({ group, user, at }, position) => {
      dropRequest.run(group, user)
      addMember.run(group, user, at, position)
    },
    'join.rejected': ({ group, user }) => dropRequest.run(group, user),
    'member.left': endMembership,
    'member.removed': endMembership,
    'owner.changed': ({ group, user }) => setOwner.run(user, group),
    'group.ended': ({ group }) => endGroup(group),
    'share.created': ({ group, id, manifest }, position) => {
      const { name, size, sha1, pieceLength } = manifest
      addShare.run(group, name, id, size, sha1, pieceLength, JSON.stringify(manifest), position)
      dropSharers.run(group, name)
    },
    'sharer.added': ({ group, name, user, device }, position) => addSharer.run(user, device, position, group, name),
    'sharer.removed': ({ group, name, user, device }) => dropSharer.run(group, name, user, device ?? null),
    'share.ended': ({ group, name }) => {
      dropShare.run(group, name)
      dropSharers.run(group, name)
    },
    'sign-up.set': ({ signUp }) => setSignUp.run(signUp),
  }
  return (event, position) => (writers[event.type] as (event: LogEvent, position: number) => void)(event, position)
}
