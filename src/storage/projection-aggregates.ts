// One aggregate of the projection as the domain has it: what a command is decided from.

import type Database from 'better-sqlite3'
import { type Account, type AccountDevice, account } from '../domain/account.ts'
import type { ClusterSettings } from '../domain/cluster-settings.ts'
import { deviceKey } from '../domain/device-ref.ts'
import type { Group, Share } from '../domain/group-protocol.ts'
import type { Manifest } from '../domain/manifest.ts'

export interface ProjectionAggregates {
  account(user: string): Account
  clusterSettings(): ClusterSettings
  /** Manifests are read when they are looked at: use it before anything else is applied. */
  group(name: string): Group
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
  const readMembers = db.prepare('SELECT user, since FROM members WHERE group_name = ? ORDER BY position').raw()
  const readRequests = db.prepare('SELECT user, since FROM requests WHERE group_name = ? ORDER BY position').raw()
  const readShares = db.prepare('SELECT file_name, id FROM shares WHERE group_name = ? ORDER BY position').raw()
  const readManifest = db.prepare('SELECT manifest FROM shares WHERE group_name = ? AND file_name = ?').pluck()
  const readSharers = db
    .prepare('SELECT file_name, user, device FROM sharers WHERE group_name = ? ORDER BY position')
    .raw()

  const share = (group: string, name: string, id: string, sharers: ReadonlySet<string>): Share => {
    let manifest: Manifest | undefined
    return {
      id,
      sharers,
      get manifest() {
        manifest ??= JSON.parse(readManifest.get(group, name) as string) as Manifest
        return manifest
      },
    }
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
      const sharers = Map.groupBy(readSharers.all(name) as [string, string, string][], ([file]) => file)
      const shares = (readShares.all(name) as [string, string][]).map(([file, id]) => {
        const keys = sharers.get(file)?.map(([, user, device]) => deviceKey({ user, device }))
        return [file, share(name, file, id, new Set(keys))] as const
      })
      return {
        group: found && name,
        owner: found?.owner ?? '',
        isHidden: found?.hidden === 1,
        members: new Map(readMembers.all(name) as [string, number][]),
        requests: new Map(readRequests.all(name) as [string, number][]),
        shares: new Map(shares),
      }
    },
  }
}
