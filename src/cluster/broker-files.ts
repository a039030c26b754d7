// A broker's folder: the shared configuration word for word, and beside it what differs for this node. Whoever has
// the folder can start the broker by hand: nats-server -c FOLDER/nats-server.conf

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterSecrets, SecretSet } from '../wire/cluster-secrets.ts'
import { certify } from './authority.ts'
import {
  type BrokerNode,
  bracketed,
  type ClusterPlan,
  certifiedNames,
  routesOf,
  usesTls,
  visualizerPort,
} from './cluster-plan.ts'
import { chooseMonitorPath } from './monitor-path.ts'
import { sharedBrokerConfig } from './package-root.ts'
import { publicKeys } from './secrets.ts'

export const brokerConfigOf = (node: BrokerNode): string => join(node.folder, 'nats-server.conf')

/** Browsers on other machines come with TLS, or not at all. */
export const websocketHost = (plan: ClusterPlan): string => (usesTls(plan) ? plan.host : '127.0.0.1')

/** With TLS also a key and a certificate of the broker's own, new ones each time. */
export async function writeBrokerFiles(node: BrokerNode, plan: ClusterPlan, secrets: ClusterSecrets): Promise<void> {
  const config = join(node.folder, 'config')
  mkdirSync(config, { recursive: true, mode: 0o700 })
  copyFileSync(sharedBrokerConfig, brokerConfigOf(node))
  chmodSync(brokerConfigOf(node), 0o600)
  const tls = usesTls(plan) ? await writeCertificate(config, plan, secrets) : undefined
  writeFileSync(join(config, 'node.conf'), nodeConfig(node, plan, secrets, tls), { mode: 0o600 })
  writeFileSync(join(config, 'websocket.conf'), tls === undefined ? 'no_tls: true\n' : `tls { ${tls} }\n`, {
    mode: 0o600,
  })
  writeFileSync(join(config, 'keys.conf'), keysConfig(secrets), { mode: 0o600 })
}

// JSON's strings are nats-server's, too: they keep a path with blanks or quotes whole.
const text = (value: string) => JSON.stringify(value)

/** The set that a broker goes by once it is started, and the other one that is not gone yet, or not there yet. */
const setsOf = (secrets: ClusterSecrets): { readonly own: SecretSet; readonly other: SecretSet | undefined } =>
  secrets.next ? { own: secrets.next, other: secrets } : { own: secrets, other: secrets.retiring }

/** By the names that nats-server.conf uses. During a rotation trackers of both sets are let in. */
function keysConfig(secrets: ClusterSecrets): string {
  const { own, other } = setsOf(secrets)
  const { CALLOUT_ISSUER, CALLOUT_XKEY } = publicKeys(own)
  const sets = [own, other].flatMap(set => (set ? [publicKeys(set)] : []))
  const keysOf = (name: string) => sets.flatMap(keys => keys[name] ?? [])
  const kinds = ['SHOAL', 'AUTH', 'SYS']
  const users = kinds.map(kind => `TRACKERS_${kind}: [${keysOf(`TRACKER_${kind}`).map(key => `{ nkey: ${key} }`)}]`)
  const all = kinds.flatMap(kind => keysOf(`TRACKER_${kind}`))
  const lines = [`CALLOUT_ISSUER: ${CALLOUT_ISSUER}`, `CALLOUT_XKEY: ${CALLOUT_XKEY}`, ...users, `TRACKERS: [${all}]`]
  return `${lines.join('\n')}\n`
}

/** What every tls block of the broker says. */
async function writeCertificate(config: string, plan: ClusterPlan, secrets: ClusterSecrets): Promise<string> {
  const { own, other } = setsOf(secrets)
  const { authority } = own
  if (!authority) throw new Error('bug: a broker is to speak TLS, and nobody can sign its certificate')
  const { chain, key } = await certify(authority, certifiedNames(plan))
  const save = (name: string, content: string) => {
    writeFileSync(join(config, name), content, { mode: 0o600 })
    return text(join(config, name))
  }
  const files = [
    `cert_file: ${save('certificate.pem', chain)}`,
    `key_file: ${save('key.pem', key)}`,
    `ca_file: ${save('authority.pem', authority.certificate + (other?.authority?.certificate ?? ''))}`,
  ]
  return [...files, 'min_version: "1.3"', 'timeout: 5'].join(', ')
}

function nodeConfig(node: BrokerNode, plan: ClusterPlan, secrets: ClusterSecrets, tls: string | undefined): string {
  const { client, route, websocket, monitor } = node.ports
  const origins = ['127.0.0.1', 'localhost'].map(host => text(`http://${host}:${visualizerPort(plan)}`))
  const lines = [
    `NODE_NAME: ${node.name}`,
    `NODE_CLIENT_ADDRESS: ${text(`${bracketed(plan.host)}:${client}`)}`,
    `NODE_WEBSOCKET_ADDRESS: ${text(`${bracketed(websocketHost(plan))}:${websocket}`)}`,
    `NODE_MONITOR_ADDRESS: ${text(`127.0.0.1:${monitor}`)}`,
    `NODE_MONITOR_PATH: ${text(chooseMonitorPath(node))}`,
    `NODE_STORE_DIR: ${text(join(node.folder, 'store'))}`,
    `NODE_LOG_FILE: ${text(join(node.folder, 'log'))}`,
    `NODE_PID_FILE: ${text(join(node.folder, 'own.pid'))}`,
    `ALLOWED_ORIGINS: [${origins.join(', ')}]`,
  ]
  // From the first byte: what a broker says before a handshake could be heard, and changed, by anybody in between.
  if (tls !== undefined) lines.push(`tls { ${tls}, handshake_first: true }`)
  if (plan.brokers === 1) return `${lines.join('\n')}\n`
  const { routePassword } = setsOf(secrets).own
  // Brokers that have not gone over yet let in the old password alone; there is one way in at a time.
  const passwords = secrets.next ? [routePassword, secrets.routePassword] : [routePassword]
  const routes = routesOf(plan).flatMap(address =>
    passwords.map(password => text(`nats://broker:${password}@${address}`)),
  )
  return `${lines.join('\n')}
cluster {
  name: shoal
  listen: ${text(`${bracketed(plan.host)}:${route}`)}
  authorization { user: broker, password: ${text(routePassword)}, timeout: 5 }${tls === undefined ? '' : `\n  tls { ${tls}, verify: true }`}
  routes: [${routes.join(', ')}]
}
`
}
