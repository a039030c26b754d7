// The visualizer's HTTP server, asked by hand: who may have what.

import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { type IncomingMessage, request } from 'node:http'
import { join } from 'node:path'
import { text } from 'node:stream/consumers'
import test, { type ExecutionContext } from 'ava'
import { openPageServer, type PageServer, sendJson } from '../../../src/visualizer/server/page-server.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

async function open(t: ExecutionContext): Promise<PageServer> {
  const folder = tempFolder(t)
  writeFileSync(join(folder, 'index.html'), '<p>page')
  writeFileSync(join(folder, '..', 'secret'), 'secret')
  const server = await openPageServer({ host: '127.0.0.1', port: 0, folder }, () => ({
    connectsTo: ['ws://127.0.0.1:4242'],
    api: { '/api/config': (_, response) => sendJson(response, { is: 'config' }) },
    upgrade: (_, socket) => socket.end('HTTP/1.1 101 Switching Protocols\r\n\r\n'),
  }))
  t.teardown(() => server.close())
  return server
}

async function ask({ port }: PageServer, path: string, headers: Record<string, string> = {}, method = 'GET') {
  const asking = request({ host: '127.0.0.1', port, path, method, headers, agent: false }).end()
  const [response] = (await Promise.race([once(asking, 'response'), once(asking, 'upgrade')])) as [IncomingMessage]
  if (response.statusCode === 101) response.destroy()
  return {
    status: response.statusCode,
    headers: response.headers,
    body: response.statusCode === 101 ? '' : await text(response),
  }
}

test('Any user of this machine can load the page, and the page may run and reach only what it should.', async t => {
  const server = await open(t)
  const { status, headers, body } = await ask(server, '/')
  t.is(status, 200)
  t.is(body, '<p>page')
  const policy = String(headers['content-security-policy'])
  t.regex(policy, /default-src 'none'; script-src 'self'; style-src 'self'/)
  t.regex(policy, new RegExp(`connect-src 'self' ws://127.0.0.1:${server.port} ws://127.0.0.1:4242;`))
  t.regex(policy, /frame-ancestors 'none'/)
  t.notRegex(policy, /unsafe|\*/)
  t.is(headers['access-control-allow-origin'], undefined)
})

test('The requests behind the page are answered only with the token.', async t => {
  const server = await open(t)
  const bearer = { authorization: `Bearer ${server.token}` }
  t.true(server.address.endsWith(`/#${server.token}`))
  t.is((await ask(server, '/api/config', bearer)).body, '{"is":"config"}')
  for (const authorization of ['', 'Bearer ', `Bearer ${'x'.repeat(43)}`, server.token])
    t.is((await ask(server, '/api/config', { authorization })).status, 401, authorization)
  t.is((await ask(server, '/api/config')).status, 401)
  t.is((await ask(server, `/api/config?token=${server.token}`)).status, 401)
  t.is((await ask(server, '/api/nothing', bearer)).status, 404)
  t.is((await ask(server, '/api/__proto__', bearer)).status, 404)
})

test('No other site is answered, under its own name for this address or by a cross-site request.', async t => {
  const server = await open(t)
  const bearer = { authorization: `Bearer ${server.token}` }
  const own = `127.0.0.1:${server.port}`
  t.is((await ask(server, '/api/config', { ...bearer, origin: `http://${own}` })).status, 200)
  for (const headers of [
    { host: `evil.example:${server.port}` },
    { host: '127.0.0.1:1' },
    { host: own, origin: 'http://evil.example' },
    { host: own, origin: 'null' },
    { host: own, 'sec-fetch-site': 'cross-site' },
    { host: own, 'sec-fetch-site': 'same-site' },
  ])
    for (const path of ['/', '/api/config'])
      t.is((await ask(server, path, { ...bearer, ...headers } as never)).status, 403, JSON.stringify(headers))
  t.is((await ask(server, '/api/config', { ...bearer }, 'POST')).status, 405)
  t.is((await ask(server, '/api/config', { ...bearer }, 'OPTIONS')).status, 405)
})

test('No file outside the page’s folder is served, however the path is written.', async t => {
  const server = await open(t)
  for (const path of [
    '/../secret',
    '/..%2fsecret',
    '/%2e%2e/secret',
    '//secret',
    '/./../secret',
    '/index.html/../../secret',
  ])
    t.is((await ask(server, path)).status, 404, path)
})

test('The way to the brokers accepts only a WebSocket of this page with its token.', async t => {
  const server = await open(t)
  const origin = `http://127.0.0.1:${server.port}`
  const upgrade = { connection: 'upgrade', upgrade: 'websocket' }
  t.is((await ask(server, `/nats/${server.token}`, { ...upgrade, origin })).status, 101)
  t.is((await ask(server, `/nats/${server.token}`, upgrade)).status, 403)
  t.is((await ask(server, `/nats/${server.token}`, { ...upgrade, origin: 'http://evil.example' })).status, 403)
  t.is((await ask(server, `/nats/${'x'.repeat(43)}`, { ...upgrade, origin })).status, 403)
  t.is((await ask(server, '/nats/', { ...upgrade, origin })).status, 403)
})

test('A token with the right number of characters but more bytes is refused like any wrong one.', async t => {
  const server = await open(t)
  const wrong = 'é'.repeat(server.token.length)
  t.is((await ask(server, '/api/config', { authorization: `Bearer ${wrong}` })).status, 401)
})
