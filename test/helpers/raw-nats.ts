// NATS spoken by hand, from whichever address of this machine's loopback: the client library cannot choose one.
// Linux has all of 127.0.0.0/8 there; elsewhere only the first address is.

import { once } from 'node:events'
import { connect, type Socket } from 'node:net'
import { createInterface, type Interface } from 'node:readline'
import { setTimeout as delay } from 'node:timers/promises'
import { type BrokerLogin, toConnect } from '../../src/wire/broker-login.ts'

const closed = '-ERR closed'
const patienceMs = 10_000

export const hasManyAddresses = process.platform === 'linux'

export interface RawNats {
  /** The body of the answer, or the broker's own `-ERR …`. One at a time, and always into the same inbox. */
  request(subject: string, inbox: string, body: string): Promise<string>
  /** `allowed`, or the broker's `-ERR …`. */
  publish(subject: string, reply?: string, body?: string): Promise<string>
  subscribe(subject: string, queue?: string): Promise<string>
  /**
   * Publishes the same again and again, as fast as the broker takes it, and resolves once that has hung up. `wrote` is told
   * of so many messages at a time.
   */
  flood(subject: string, reply: string, body: string, wrote?: (messages: number) => void): Promise<void>
  close(): void
}

/** `refused` when the broker turns this log-in away. */
export const connectRaw = (server: string, from: string, login: BrokerLogin): Promise<RawNats | 'refused'> =>
  connectWith(server, toConnect(login), from)

/** With whatever a program may write in CONNECT. */
export async function connectWith(server: string, claims: object, from = '127.0.0.1'): Promise<RawNats | 'refused'> {
  const [host, port] = server.replace('nats://', '').split(':')
  const socket = connect({ host: host!, port: Number(port), localAddress: from })
  socket.on('error', () => {})
  socket.setTimeout(patienceMs, () => socket.destroy())
  await once(socket, 'connect')
  const lines = createInterface(socket)
  const next = lines[Symbol.asyncIterator]()
  const line = async () => ((await next.next()) as IteratorResult<string, string>).value ?? closed
  const until = async (wanted: (text: string) => boolean): Promise<string> => {
    for (;;) {
      const text = await line()
      if (text === 'PING') socket.write('PONG\r\n')
      if (text.startsWith('-ERR') || wanted(text)) return text
    }
  }
  await until(text => text.startsWith('INFO'))
  const options = { ...claims, verbose: false, pedantic: false, lang: 'test', version: '1' }
  socket.write(`CONNECT ${JSON.stringify(options)}\r\nPING\r\n`)
  if ((await until(text => text === 'PONG')) !== 'PONG') {
    end(lines, socket)
    return 'refused'
  }
  let hears = ''
  let subscriptions = 0
  /** A broker refuses what came before a PING before it answers that. */
  const attempt = async (command: string) => {
    socket.write(`${command}\r\nPING\r\n`)
    let answer = 'allowed'
    for (;;) {
      const text = await until(text => text === 'PONG')
      if (text === 'PONG') return answer
      answer = text
      if (text === closed) return answer
    }
  }
  return {
    async request(subject, inbox, body) {
      if (hears !== inbox) socket.write(`SUB ${inbox} ${++subscriptions}\r\n`)
      hears = inbox
      socket.write(`PUB ${subject} ${inbox} ${Buffer.byteLength(body)}\r\n${body}\r\n`)
      for (;;) {
        const answer = await until(text => text.startsWith('MSG'))
        if (!answer.startsWith('MSG')) return answer
        const said = await line()
        // An empty message asks whether anybody waits here (docs/adr/0012), and answers nothing.
        if (said !== '') return said
      }
    },
    publish: (subject, reply = '', body = '{}') =>
      attempt(`PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}`),
    subscribe: (subject, queue = '') => attempt(`SUB ${subject} ${queue} ${++subscriptions}`),
    async flood(subject, reply, body, wrote = () => {}) {
      const message = `PUB ${subject} ${reply} ${Buffer.byteLength(body)}\r\n${body}\r\n`
      const hungUp = new Promise(resolve => socket.once('close', resolve))
      const messages = Math.ceil(65_536 / message.length)
      const chunk = Buffer.from(message.repeat(messages))
      while (socket.writable) {
        wrote(messages)
        // Some turns of the event loop are left to others in this process.
        if (socket.write(chunk)) await delay(1)
        else await Promise.race([new Promise(resolve => socket.once('drain', resolve)), hungUp])
      }
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
