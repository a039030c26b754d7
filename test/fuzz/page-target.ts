// What reaches the visualizer's server over a socket: request lines, header lines, upgrades to a broker. An answer of 200 or
// 101 counts as accepted; except for the page's own files that needs the token. The server must survive every case.

import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { connect } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { openPageServer, sendJson } from '../../src/visualizer/server/page-server.ts'
import { demand, type Target } from './target.ts'

const secret = 'what only a holder of the token gets'

/** Opened at the first case; ends with the process. */
let opened: ReturnType<typeof open> | undefined
async function open() {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-fuzz-'))
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }))
  writeFileSync(join(folder, 'index.html'), 'the page')
  writeFileSync(join(folder, 'page.js'), 'its code')
  return openPageServer({ host: '127.0.0.1', port: 0, folder }, () => ({
    connectsTo: [],
    api: { '/api/config': (_, response) => sendJson(response, { secret }) },
    upgrade: (_, socket) => socket.end(`HTTP/1.1 101 Switching Protocols\r\nx-secret: ${secret}\r\n\r\n`),
  }))
}

interface Asked {
  readonly method?: unknown
  readonly path?: unknown
  readonly headers?: unknown
}

/** As anyone may write it; `TOKEN` and `PORT` are replaced by the real ones. */
function requestOf({ method, path, headers }: Asked, token: string, port: number): Buffer {
  const lines = Object.entries(typeof headers === 'object' && headers !== null ? headers : {})
  const text = [`${method} ${path} HTTP/1.1`, ...lines.map(([name, value]) => `${name}: ${value}`), '', ''].join('\r\n')
  return Buffer.from(text.replaceAll('TOKEN', token).replaceAll('PORT', String(port)), 'latin1')
}

async function answerTo(port: number, request: Buffer): Promise<string> {
  const socket = connect({ host: '127.0.0.1', port })
  const said: Buffer[] = []
  socket.on('error', () => {})
  socket.on('data', (chunk: Buffer) => {
    said.push(chunk)
    // Answered or rejected: do not wait for the server to hang up.
    if (Buffer.concat(said).includes('\r\n\r\n')) socket.end()
  })
  // The server has everything then, even of half a request. It may reset a connection that was too much for it.
  socket.end(request)
  await new Promise(resolve => socket.once('close', resolve))
  return Buffer.concat(said).toString('latin1')
}

const own = '127.0.0.1:PORT'
const authorization = 'Bearer TOKEN'
const socket = { connection: 'upgrade', upgrade: 'websocket', origin: `http://${own}` }

export const pageTarget: Target = {
  name: "request to the visualizer's server",
  share: 0.3,
  valid: [
    { method: 'GET', path: '/', headers: { host: own } },
    { method: 'GET', path: '/page.js', headers: { host: own } },
    { method: 'GET', path: '/api/config', headers: { host: own, authorization } },
    { method: 'GET', path: '/api/config?watcher=1', headers: { host: own, authorization, origin: `http://${own}` } },
    { method: 'GET', path: '/nats/TOKEN', headers: { host: own, ...socket } },
    { method: 'GET', path: '/nats/TOKEM', headers: { host: own, ...socket } },
    { method: 'POST', path: '/api/config', headers: { host: own, authorization } },
  ],
  async take(bytes) {
    opened ??= open()
    const { port, token } = await opened
    let asked: unknown
    try {
      asked = JSON.parse(bytes.toString())
    } catch {
      asked = undefined
    }
    const isAsked = typeof asked === 'object' && asked !== null
    let request: Buffer
    try {
      request = isAsked ? requestOf(asked as Asked, token, port) : bytes
    } catch {
      // A value without text cannot be sent.
      return false
    }
    const answer = await answerTo(port, request)
    const status = Number(/^HTTP\/1\.1 (\d{3})/.exec(answer)?.[1] ?? 0)
    if (answer.includes(secret)) demand(request.includes(token), 'it was told without the token')
    demand(status !== 500, 'the server failed at it')
    const after = await answerTo(port, requestOf({ method: 'HEAD', path: '/', headers: { host: own } }, token, port))
    demand(after.startsWith('HTTP/1.1 200'), 'the server no longer answers after it')
    return status === 200 || status === 101
  },
}
