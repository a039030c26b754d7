// Writes a broker's folder: a copy of the shared configuration, and this node's own settings beside it. You can start the
// broker from it by hand: nats-server -c FOLDER/nats-server.conf

import { chmodSync, copyFileSync, mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import type { ClusterSecrets, SecretSet } from '../wire/cluster-secrets.ts'
import { certify } from './authority.ts'
import {
  type BrokerNode,
  bracketed,
  brokersOf,
  type ClusterPlan,
  certifiedNames,
  connectHost,
  usesTls,
  visualizerPort,
} from './cluster-plan.ts'
import { chooseMonitorPath } from './monitor-path.ts'
import { sharedBrokerConfig } from './package-root.ts'
import { publicKeys } from './secrets.ts'

export const brokerConfigOf = (node: BrokerNode): string => join(node.folder, 'nats-server.conf')

/** The address for browsers. Without TLS, only those on this machine may connect. */
export const websocketHost = (plan: ClusterPlan): string => (usesTls(plan) ? plan.host : '127.0.0.1')

/**
 * With TLS, also writes a new key and certificate for the broker. `running` are the brokers that run already: their
 * route passwords are those last written to their folders.
 */
export async function writeBrokerFiles(
  node: BrokerNode,
  plan: ClusterPlan,
  secrets: ClusterSecrets,
  running: readonly BrokerNode[] = [],
): Promise<void> {
  const config = join(node.folder, 'config')
  mkdirSync(config, { recursive: true, mode: 0o700 })
  copyFileSync(sharedBrokerConfig, brokerConfigOf(node))
  chmodSync(brokerConfigOf(node), 0o600)
  const tls = usesTls(plan) ? await writeCertificate(config, plan, secrets) : undefined
  writeFileSync(join(config, 'node.conf'), nodeConfig(node, plan, secrets, tls, running), { mode: 0o600 })
  writeFileSync(join(config, 'websocket.conf'), tls === undefined ? 'no_tls: true\n' : `tls { ${tls} }\n`, {
    mode: 0o600,
  })
  writeFileSync(join(config, 'keys.conf'), keysConfig(secrets), { mode: 0o600 })
}

// nats-server reads JSON strings, so paths may contain blanks and quotes.
const text = (value: string) => JSON.stringify(value)

/** `own`: the secrets that a broker uses once started. `other`: during a rotation, the set that some nodes still or already use. */
const setsOf = (secrets: ClusterSecrets): { readonly own: SecretSet; readonly other: SecretSet | undefined } =>
  secrets.next ? { own: secrets.next, other: secrets } : { own: secrets, other: secrets.retiring }

/** The keys under the names that nats-server.conf uses. During a rotation, trackers of both sets may log in. */
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

/** Writes a new certificate and its key. Returns the content of every tls block of the broker. */
async function writeCertificate(config: string, plan: ClusterPlan, secrets: ClusterSecrets): Promise<string> {
  const { own, other } = setsOf(secrets)
  const { authority } = own
  if (!authority) throw new Error('bug: a broker needs TLS, and the secrets hold no authority to sign its certificate')
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

function nodeConfig(
  node: BrokerNode,
  plan: ClusterPlan,
  secrets: ClusterSecrets,
  tls: string | undefined,
  running: readonly BrokerNode[],
): string {
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
  // TLS from the first byte: anything sent before the handshake could be read and changed on the way.
  if (tls !== undefined) lines.push(`tls { ${tls}, handshake_first: true }`)
  if (plan.brokers === 1) return `${lines.join('\n')}\n`
  const { routePassword } = setsOf(secrets).own
  const accepted = new Map(running.map(broker => [broker.name, acceptedRoutePassword(broker)]))
  // One route to each broker, with the password that it accepts now. With a second route per broker, nats-server 2.15.1 drops
  // one as soon as the other is greeted, which may then be refused.
  const routes = brokersOf(dirname(node.folder), plan).map(({ name, ports }) =>
    text(`nats://broker:${accepted.get(name) ?? routePassword}@${connectHost(plan)}:${ports.route}`),
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

/** The route password that a running broker accepts, from its node.conf; undefined if the file does not say. */
function acceptedRoutePassword({ folder }: BrokerNode): string | undefined {
  const config = readFileSync(join(folder, 'config', 'node.conf'), 'utf8')
  return /authorization { user: broker, password: "([^"]+)"/.exec(config)?.[1]
}
