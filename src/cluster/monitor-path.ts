// The secret path of a broker's monitoring address, kept in the broker's folder. nats-server asks for no password there,
// and any page in a browser may read the answer (`Access-Control-Allow-Origin: *`), which names every connected device and
// its address.

import { randomBytes } from 'node:crypto'
import { readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { BrokerNode } from './cluster-plan.ts'

const fileOf = ({ folder }: BrokerNode): string => join(folder, 'config', 'monitor-path')

/** With a leading slash, as in a URL; empty for a broker that has none. */
export function monitorPathOf(node: BrokerNode): string {
  try {
    return readFileSync(fileOf(node), 'utf8').trim()
  } catch {
    return ''
  }
}

/** Returns the path, chosen at random the first time. The folder must exist. Throws what the file system throws. */
export function chooseMonitorPath(node: BrokerNode): string {
  const known = monitorPathOf(node)
  if (known !== '') return known
  const path = `/${randomBytes(16).toString('hex')}`
  writeFileSync(fileOf(node), `${path}\n`, { mode: 0o600 })
  return path
}
