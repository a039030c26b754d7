// Finds free ports by listening on them for a moment. Another process may take one right afterwards, so starting a broker
// may still fail with `port-in-use`.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ephemeral ports that systems use for outgoing connections. */
const first = 10_000
const last = 32_000
/** All of a cluster's ports lie within this many. */
const span = 50

/** The first of `span` free ports on the loopback, enough for a whole cluster. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + span * randomInt((last - first) / span)
    const ports = Array.from({ length: span }, (_, offset) => port + offset)
    if ((await firstTakenPort('127.0.0.1', ports)) === undefined) return port
  }
}

/** The first of the ports that cannot be listened on; undefined when all are free. */
export async function firstTakenPort(host: string, ports: readonly number[]): Promise<number | undefined> {
  for (const port of ports) if (!(await isFree(host, port))) return port
  return undefined
}

function isFree(host: string, port: number): Promise<boolean> {
  const { promise, resolve } = Promise.withResolvers<boolean>()
  const server = createServer()
  server.once('error', () => resolve(false))
  server.listen({ host, port, exclusive: true }, () => server.close(() => resolve(true)))
  return promise
}
