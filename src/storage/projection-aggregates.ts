// One aggregate of the projection: what a command is decided from. An account is small and is read whole; of a group, which
// may have a million shares, only the rows are read that a decision asks for.

import type Database from 'better-sqlite3'
import { type Account, type AccountDevice, account } from '../domain/account.ts'
import type { ClusterSettings } from '../domain/cluster-settings.ts'
import { type DeviceRef, deviceKey, parseDeviceKey } from '../domain/device-ref.ts'
import type { GroupView, ShareView } from '../domain/group-protocol.ts'

export interface ProjectionAggregates {
  account(user: string): Account
  clusterSettings(): ClusterSettings
  /** Reads a row whenever it is asked for one: use it before anything else is applied. */
  group(name: string): GroupView
}

type AccountRow = Pick<Account, 'passwordHash' | 'since'> & { readonly disabled: number; readonly deleted: number }

export function createProjectionAggregates(db: Database.Database): ProjectionAggregates {
  const readAccount = db.prepare(`
    SELECT password_hash AS passwordHash, since, disabled, deleted FROM accounts WHERE user = ?`)
  const readDevices = db.prepare(`
    SELECT device, credential_hash AS credentialHash, name, since, used
    FROM devices WHERE user = ? ORDER BY position`)
  const readSignUp = db.prepare('SELECT sign_up FROM settings').pluck()
  const readGroup = db.prepare('SELECT owner, hidden FROM groups WHERE name = ?')
  const isMember = db.prepare('SELECT 1 FROM members WHERE group_name = ? AND user = ?').pluck()
  const readMembers = db.prepare('SELECT user FROM members WHERE group_name = ? ORDER BY position').pluck()
  const isRequester = db.prepare('SELECT 1 FROM requests WHERE group_name = ? AND user = ?').pluck()
  const readShareId = db.prepare('SELECT id FROM shares WHERE group_name = ? AND file_name = ?').pluck()
  const isSharer = db
    .prepare('SELECT 1 FROM sharers WHERE group_name = ? AND file_name = ? AND user = ? AND device = ?')
    .pluck()
  const readSharers = db.prepare('SELECT user, device FROM sharers WHERE group_name = ? AND file_name = ?')

  const share = (group: string, name: string): ShareView | undefined => {
    const id = readShareId.get(group, name) as string | undefined
    if (id === undefined) return undefined
    const sharers = {
      has(key: string) {
        const { user, device } = parseDeviceKey(key)
        return isSharer.get(group, name, user, device) !== undefined
      },
      *[Symbol.iterator]() {
        for (const device of readSharers.iterate(group, name) as Iterable<DeviceRef>) yield deviceKey(device)
      },
    }
    return { id, sharers }
  }

  return {
    account(user) {
      const found = readAccount.get(user) as AccountRow | undefined
      if (!found) return account.initial
      const { disabled, deleted, ...kept } = found
      const rows = readDevices.all(user) as (AccountDevice & { device: string })[]
      const devices = rows.map(({ device, ...rest }) => [device, rest] as const)
      return { user, ...kept, isDisabled: disabled === 1, isDeleted: deleted === 1, devices: new Map(devices) }
    },

    clusterSettings: () => ({ signUp: readSignUp.get() as ClusterSettings['signUp'] }),

    group(name) {
      const found = readGroup.get(name) as { owner: string; hidden: number } | undefined
      return {
        group: found && name,
        owner: found?.owner ?? '',
        isHidden: found?.hidden === 1,
        members: {
          has: user => isMember.get(name, user) !== undefined,
          keys: () => readMembers.iterate(name) as Iterable<string>,
        },
        requests: { has: user => isRequester.get(name, user) !== undefined },
        shares: { get: file => share(name, file) },
      }
    },
  }
}
