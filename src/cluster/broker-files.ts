// A broker's folder: the shared configuration word for word, and beside it what differs for this node. Whoever has
// the folder can start the broker by hand: nats-server -c FOLDER/nats-server.conf

import { chmodSync, copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
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
  writeFileSync(join(config, 'node.conf'), nodeConfig(node, plan, secrets.routePassword, tls), { mode: 0o600 })
  writeFileSync(join(config, 'websocket.conf'), tls === undefined ? 'no_tls: true\n' : `tls { ${tls} }\n`, {
    mode: 0o600,
  })
  const keys = Object.entries(publicKeys(secrets)).map(([name, key]) => `${name}: ${key}\n`)
  writeFileSync(join(config, 'keys.conf'), keys.join(''), { mode: 0o600 })
}

// JSON's strings are nats-server's, too: they keep a path with blanks or quotes whole.
const text = (value: string) => JSON.stringify(value)

/** What every tls block of the broker says. */
async function writeCertificate(config: string, plan: ClusterPlan, { authority }: ClusterSecrets): Promise<string> {
  if (!authority) throw new Error('bug: a broker is to speak TLS, and nobody can sign its certificate')
  const { chain, key } = await certify(authority, certifiedNames(plan))
  const save = (name: string, content: string) => {
    writeFileSync(join(config, name), content, { mode: 0o600 })
    return text(join(config, name))
  }
  const files = [
    `cert_file: ${save('certificate.pem', chain)}`,
    `key_file: ${save('key.pem', key)}`,
    `ca_file: ${save('authority.pem', authority.certificate)}`,
  ]
  return [...files, 'min_version: "1.3"', 'timeout: 5'].join(', ')
}

function nodeConfig(node: BrokerNode, plan: ClusterPlan, routePassword: string, tls: string | undefined): string {
  const { client, route, websocket, monitor } = node.ports
  const origins = ['127.0.0.1', 'localhost'].map(host => text(`http://${host}:${visualizerPort(plan)}`))
  const lines = [
    `NODE_NAME: ${node.name}`,
    `NODE_CLIENT_ADDRESS: ${text(`${bracketed(plan.host)}:${client}`)}`,
    `NODE_WEBSOCKET_ADDRESS: ${text(`${bracketed(websocketHost(plan))}:${websocket}`)}`,
    `NODE_MONITOR_ADDRESS: ${text(`127.0.0.1:${monitor}`)}`,
    `NODE_STORE_DIR: ${text(join(node.folder, 'store'))}`,
    `NODE_LOG_FILE: ${text(join(node.folder, 'log'))}`,
    `NODE_PID_FILE: ${text(join(node.folder, 'own.pid'))}`,
    `ALLOWED_ORIGINS: [${origins.join(', ')}]`,
  ]
  // From the first byte: what a broker says before a handshake could be heard, and changed, by anybody in between.
  if (tls !== undefined) lines.push(`tls { ${tls}, handshake_first: true }`)
  if (plan.brokers === 1) return `${lines.join('\n')}\n`
  const routes = routesOf(plan).map(address => text(`nats://broker:${routePassword}@${address}`))
  return `${lines.join('\n')}
cluster {
  name: shoal
  listen: ${text(`${bracketed(plan.host)}:${route}`)}
  authorization { user: broker, password: ${text(routePassword)}, timeout: 5 }${tls === undefined ? '' : `\n  tls { ${tls}, verify: true }`}
  routes: [${routes.join(', ')}]
}
`
}
