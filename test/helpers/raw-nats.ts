// NATS spoken by hand, from whichever address of this machine's loopback: the client library lets nobody choose one.
// Linux has all of 127.0.0.0/8 there; elsewhere only the first address is.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { type BrokerLogin, toConnect } from '../../src/wire/broker-login.ts'

export const hasManyAddresses = process.platform === 'linux'

export interface RawNats {
  /** The body of the answer, or the broker's own `-ERR …`. One at a time, and always into the same inbox. */
  request(subject: string, inbox: string, body: string): Promise<string>
  close(): void
}

/** `refused` when the broker turns this log-in away. */
export async function connectRaw(server: string, from: string, login: BrokerLogin): Promise<RawNats | 'refused'> {
  const [host, port] = server.replace('nats://', '').split(':')
  const socket = connect({ host: host!, port: Number(port), localAddress: from })
  socket.on('error', () => {})
  await once(socket, 'connect')
  const lines = createInterface(socket)
  const next = lines[Symbol.asyncIterator]()
  const line = async () => ((await next.next()) as IteratorResult<string, string>).value ?? '-ERR closed'
  const until = async (wanted: (text: string) => boolean): Promise<string> => {
    for (;;) {
      const text = await line()
      if (text === 'PING') socket.write('PONG\r\n')
      if (text.startsWith('-ERR') || wanted(text)) return text
    }
  }
  await until(text => text.startsWith('INFO'))
  const options = { ...toConnect(login), verbose: false, pedantic: false, lang: 'test', version: '1' }
  socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`)
  if ((await until(text => text === 'PONG')) !== 'PONG') {
    end(lines, socket)
    return 'refused'
  }
  let hears = ''
  return {
    async request(subject, inbox, body) {
      if (hears !== inbox) socket.write(`SUB ${inbox} 1\r\n`)
      hears = inbox
      socket.write(`PUB ${subject} ${inbox} ${Buffer.byteLength(body)}\r\n${body}\r\n`)
      const answer = await until(text => text.startsWith('MSG'))
      return answer.startsWith('MSG') ? line() : answer
    },
    close: () => end(lines, socket),
  }
}

function end(lines: Interface, socket: Socket): void {
  lines.close()
  socket.destroy()
}

/** Whether a broker lets that log-in in from there; the connection is closed again. */
export async function isLetIn(server: string, from: string, login: BrokerLogin): Promise<boolean> {
  const connection = await connectRaw(server, from, login)
  if (connection === 'refused') return false
  connection.close()
  return true
}
