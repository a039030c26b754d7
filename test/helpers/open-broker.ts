// One broker without accounts or storage, on a free port, for tests of what rides on NATS alone.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { createInterface } from 'node:readline'
import { connect, type NatsConnection } from 'nats'
import { findNatsServer } from '../../src/cluster/find-nats-server.ts'

export interface OpenBroker extends AsyncDisposable {
  readonly server: string
  connect(): Promise<NatsConnection>
}

export async function startOpenBroker(): Promise<OpenBroker> {
  const broker = spawn((await findNatsServer()).path, ['-a', '127.0.0.1', '-p', '-1'], {
    stdio: ['ignore', 'ignore', 'pipe'],
  })
  const gone = once(broker, 'exit')
  const server = await addressOf(broker.stderr)
  broker.stderr.resume()
  const connections: NatsConnection[] = []
  return {
    server,
    async connect() {
      const connection = await connect({ servers: server })
      connections.push(connection)
      return connection
    },
    async [Symbol.asyncDispose]() {
      for (const connection of connections) await connection.close()
      broker.kill('SIGKILL')
      await gone
    },
  }
}

async function addressOf(log: NodeJS.ReadableStream): Promise<string> {
  let address: string | undefined
  for await (const line of createInterface({ input: log })) {
    address ??= /Listening for client connections on (\S+)/.exec(line)?.[1]
    if (address !== undefined && line.includes('Server is ready')) return address
  }
  throw new Error('the broker ended before it was ready')
}
