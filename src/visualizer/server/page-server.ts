// The visualizer's HTTP server. The page's files are public; /api/ and the proxy to the brokers need the token. It refuses
// requests for another host name or from another site, reads only files that were in the folder at the start, and no request
// changes anything.

import { randomBytes, timingSafeEqual } from 'node:crypto'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { createServer, type IncomingMessage, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { extname, join } from 'node:path'
import type { Duplex } from 'node:stream'

export interface PageRoutes {
  /** Handlers by path, which send a JSON document or a stream. Called only for authorized requests. */
  readonly api: Readonly<Record<string, (query: URLSearchParams, response: ServerResponse) => Promise<void> | void>>
  /** Handles a WebSocket on /nats/TOKEN from an authorized page. */
  upgrade?(request: IncomingMessage, socket: Duplex, head: Buffer): void
  /** Further WebSocket addresses that the page may connect to. */
  readonly connectsTo: readonly string[]
}

export interface PageServer {
  readonly port: number
  readonly token: string
  /** The address to open, with the token. */
  readonly address: string
  close(): Promise<void>
}

const types: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
  '.map': 'application/json',
}

const policy = (connectsTo: readonly string[], own: string) =>
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    `connect-src 'self' ${[own, ...connectsTo].join(' ')}`,
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join('; ')

function isSame(given: string, right: string): boolean {
  const [one, other] = [Buffer.from(given), Buffer.from(right)]
  return one.length === other.length && timingSafeEqual(one, other)
}

/** Rejects with the system's error when the port is taken. `folder` holds the built page. */
export async function openPageServer(
  { host, port, folder }: { readonly host: string; readonly port: number; readonly folder: string },
  routesFor: (origin: { readonly port: number; readonly token: string }) => PageRoutes,
): Promise<PageServer> {
  const token = randomBytes(32).toString('base64url')
  const files = new Set(
    readdirSync(folder, { withFileTypes: true }).flatMap(file => (file.isFile() ? [file.name] : [])),
  )
  const server = createServer()
  server.listen(port, host)
  await once(server, 'listening')
  const actual = (server.address() as AddressInfo).port
  const routes = routesFor({ port: actual, token })
  const shown = host.includes(':') ? `[${host}]` : host
  const names = new Set([`127.0.0.1:${actual}`, `localhost:${actual}`, `${shown}:${actual}`])

  /** Another site may know our address, or resolve its own name to it, but the browser's headers always show that. */
  const isOurs = ({ headers }: IncomingMessage): boolean => {
    const { host: named, origin } = headers
    if (named === undefined || !names.has(named)) return false
    if (origin !== undefined && origin !== `http://${named}`) return false
    const site = headers['sec-fetch-site']
    return site === undefined || site === 'same-origin' || site === 'none'
  }

  const end = (response: ServerResponse, status: number, text: string) => {
    response.writeHead(status, { 'content-type': 'text/plain; charset=utf-8' }).end(`${text}\n`)
  }

  const answer = async (request: IncomingMessage, response: ServerResponse) => {
    const headers = {
      'cache-control': 'no-store',
      'content-security-policy': policy(routes.connectsTo, `ws://${request.headers.host}`),
      'cross-origin-opener-policy': 'same-origin',
      'cross-origin-resource-policy': 'same-origin',
      'referrer-policy': 'no-referrer',
      'x-content-type-options': 'nosniff',
    }
    if (!isOurs(request)) return end(response, 403, 'This page answers at the address that shoal visualizer printed.')
    for (const [name, value] of Object.entries(headers)) response.setHeader(name, value)
    if (request.method !== 'GET' && request.method !== 'HEAD')
      return end(response, 405, 'Only GET and HEAD are supported.')
    const url = new URL(`http://here${request.url ?? '/'}`)
    if (url.pathname.startsWith('/api/')) {
      const route = Object.hasOwn(routes.api, url.pathname) ? routes.api[url.pathname] : undefined
      if (!isSame(request.headers.authorization ?? '', `Bearer ${token}`))
        return end(response, 401, 'The token is missing.')
      return route ? await route(url.searchParams, response) : end(response, 404, 'There is no such path.')
    }
    const file = url.pathname === '/' ? 'index.html' : url.pathname.slice(1)
    if (!files.has(file)) return end(response, 404, 'There is no such file.')
    response.writeHead(200, { 'content-type': types[extname(file)] ?? 'application/octet-stream' })
    response.end(request.method === 'HEAD' ? undefined : await readFile(join(folder, file)))
  }

  server.on('request', (request, response) => {
    answer(request, response).catch(() => {
      if (response.headersSent) response.destroy()
      else end(response, 500, 'Something went wrong.')
    })
  })
  server.on('upgrade', (request, socket, head) => {
    // Node removes its own error handler from an upgraded socket.
    socket.on('error', () => socket.destroy())
    const [, path, given] = (request.url ?? '').split('/')
    // A browser always sends the origin of a WebSocket.
    const isAllowed =
      isOurs(request) && request.headers.origin !== undefined && path === 'nats' && isSame(given ?? '', token)
    if (isAllowed && routes.upgrade) return routes.upgrade(request, socket, head)
    socket.end('HTTP/1.1 403 Forbidden\r\nconnection: close\r\n\r\n')
  })

  return {
    port: actual,
    token,
    address: `http://${host === '0.0.0.0' || host === '::' ? '127.0.0.1' : shown}:${actual}/#${token}`,
    close: () => closeServer(server),
  }
}

async function closeServer(server: Server): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  server.closeAllConnections()
  await closed
}

export function sendJson(response: ServerResponse, document: unknown): void {
  response.writeHead(200, { 'content-type': 'application/json' }).end(JSON.stringify(document))
}
