// Which ports are free, asked by listening on them for a moment. Somebody may take one right after; whoever starts a
// broker must be ready to hear `port-in-use`.

import { randomInt } from 'node:crypto'
import { createServer } from 'node:net'

/** Below the ports that systems give to outgoing connections. */
const first = 10_000
const last = 32_000
/** All of a cluster's ports lie within this many. */
const span = 50

/** A port that a whole cluster fits at, on the loopback. */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = first + span * randomInt((last - first) / span)
    const ports = Array.from({ length: span }, (_, offset) => port + offset)
    if ((await firstTakenPort('127.0.0.1', ports)) === undefined) return port
  }
}

/** The first of the ports that something else listens on, or that cannot be had. */
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
