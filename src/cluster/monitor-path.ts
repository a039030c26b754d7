// Where a broker says how it is: below a path that whoever may read its folder knows, and nobody else. nats-server asks
// for no password there and lets any page in any browser read the answer (`Access-Control-Allow-Origin: *`), which
// names every connected device and its address.

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerNode } from './cluster-plan.ts'

const fileOf = ({ folder }: BrokerNode): string => join(folder, 'config', 'monitor-path')

/** As in a URL, with a slash before it; empty for a broker that has none. */
export function monitorPathOf(node: BrokerNode): string {
  try {
    return readFileSync(fileOf(node), 'utf8').trim()
  } catch {
    return ''
  }
}

/** Chooses one unless there is one; the folder is there. Throws what the file system throws. */
export function chooseMonitorPath(node: BrokerNode): string {
  const known = monitorPathOf(node)
  if (known !== '') return known
  const path = `/${randomBytes(16).toString('hex')}`
  writeFileSync(fileOf(node), `${path}\n`, { mode: 0o600 })
  return path
}
