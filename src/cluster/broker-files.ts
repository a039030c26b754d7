// A broker's folder: the shared configuration word for word, and beside it what differs for this node. Whoever has
// the folder can start the broker by hand: nats-server -c FOLDER/nats-server.conf

import { copyFileSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import type { ClusterSecrets } from '../wire/cluster-secrets.ts'
import { type BrokerNode, bracketed, type ClusterPlan, routesOf, visualizerPort } from './cluster-plan.ts'
import { sharedBrokerConfig } from './package-root.ts'
import { publicKeys } from './secrets.ts'

export const brokerConfigOf = (node: BrokerNode): string => join(node.folder, 'nats-server.conf')

export function writeBrokerFiles(node: BrokerNode, plan: ClusterPlan, secrets: ClusterSecrets): void {
  const config = join(node.folder, 'config')
  mkdirSync(config, { recursive: true, mode: 0o700 })
  copyFileSync(sharedBrokerConfig, brokerConfigOf(node))
  writeFileSync(join(config, 'node.conf'), nodeConfig(node, plan, secrets.routePassword), { mode: 0o600 })
  const keys = Object.entries(publicKeys(secrets)).map(([name, key]) => `${name}: ${key}\n`)
  writeFileSync(join(config, 'keys.conf'), keys.join(''), { mode: 0o600 })
}

// JSON's strings are nats-server's, too: they keep a path with blanks or quotes whole.
const text = (value: string) => JSON.stringify(value)

function nodeConfig(node: BrokerNode, plan: ClusterPlan, routePassword: string): string {
  const { client, route, websocket, monitor } = node.ports
  const origins = ['127.0.0.1', 'localhost'].map(host => text(`http://${host}:${visualizerPort(plan)}`))
  const lines = [
    `NODE_NAME: ${node.name}`,
    `NODE_CLIENT_ADDRESS: ${text(`${bracketed(plan.host)}:${client}`)}`,
    `NODE_WEBSOCKET_ADDRESS: ${text(`127.0.0.1:${websocket}`)}`,
    `NODE_MONITOR_ADDRESS: ${text(`127.0.0.1:${monitor}`)}`,
    `NODE_STORE_DIR: ${text(join(node.folder, 'store'))}`,
    `NODE_LOG_FILE: ${text(join(node.folder, 'log'))}`,
    `NODE_PID_FILE: ${text(join(node.folder, 'own.pid'))}`,
    `ALLOWED_ORIGINS: [${origins.join(', ')}]`,
  ]
  if (plan.brokers === 1) return `${lines.join('\n')}\n`
  const routes = routesOf(plan).map(address => text(`nats://broker:${routePassword}@${address}`))
  return `${lines.join('\n')}
cluster {
  name: shoal
  listen: ${text(`${bracketed(plan.host)}:${route}`)}
  authorization { user: broker, password: ${text(routePassword)}, timeout: 5 }
  routes: [${routes.join(', ')}]
}
`
}
