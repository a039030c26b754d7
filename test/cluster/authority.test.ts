import { X509Certificate } from 'node:crypto'
import { once } from 'node:events'
import type { AddressInfo } from 'node:net'
import { createServer as createPlainServer } from 'node:net'
import { connect, createServer } from 'node:tls'
import test, { type ExecutionContext } from 'ava'
import { fetchAuthority, fingerprintOfAuthority, type Trust, tlsTowards } from '../../src/actors/client/broker-trust.ts'
import { type Certified, certify, createAuthority } from '../../src/cluster/authority.ts'

/** Connects as broker-connection.ts does; the error's code, or `trusted`. */
async function meet(t: ExecutionContext, { chain, key }: Certified, trust: Trust, host = '127.0.0.1'): Promise<string> {
  const server = createServer({ cert: chain, key, minVersion: 'TLSv1.3' }, socket => socket.on('error', () => {}))
  server.on('tlsClientError', () => {})
  server.listen(0, host)
  await once(server, 'listening')
  t.teardown(() => server.close())
  const { port } = server.address() as AddressInfo
  const { promise, resolve } = Promise.withResolvers<string>()
  const { tls } = tlsTowards([`tls://${host}:${port}`], trust)
  const socket = connect({ host, port, ...(tls as object) }, () => resolve('trusted'))
  socket.on('error', ({ code }: NodeJS.ErrnoException) => resolve(code ?? 'failed'))
  const met = await promise
  socket.destroy()
  return met
}

const trusting = (...followed: string[]) => ({
  followed,
  authority: () => followed.at(-1),
  follow: (authority: string) => void followed.push(authority),
})

test('A broker certified by the trusted authority is trusted, only under the names it was certified for.', async t => {
  const authority = await createAuthority()
  const certified = await certify(authority, ['127.0.0.1', 'broker.example', '::1'])
  t.is(await meet(t, certified, trusting(authority.certificate)), 'trusted')
  t.is(await meet(t, certified, trusting(authority.certificate), '127.0.0.2'), 'ERR_TLS_CERT_ALTNAME_INVALID')
  const { subjectAltName } = new X509Certificate(certified.chain)
  t.is(subjectAltName, 'IP Address:127.0.0.1, DNS:broker.example, IP Address:0:0:0:0:0:0:0:1')
})

test('A broker of another cluster is not trusted under any name.', async t => {
  const [mine, other] = [await createAuthority(), await createAuthority()]
  const trust = trusting(mine.certificate)
  t.regex(await meet(t, await certify(other, ['127.0.0.1']), trust), /CERT|VERIFY/)
  t.is(trust.followed.length, 1)
})

test('The authority to trust at first is taken from the broker that shows one, though another broker stands still.', async t => {
  const authority = await createAuthority()
  const { chain, key } = await certify(authority, ['127.0.0.1'])
  const standing = createPlainServer()
  const speaking = createServer({ cert: chain, key, minVersion: 'TLSv1.3' }, socket => socket.on('error', () => {}))
  const servers: string[] = []
  for (const server of [standing, speaking]) {
    server.listen(0, '127.0.0.1')
    await once(server, 'listening')
    t.teardown(() => server.close())
    servers.push(`tls://127.0.0.1:${(server.address() as AddressInfo).port}`)
  }
  t.is(await fetchAuthority(servers), authority.certificate)
})

test('A device that trusts an authority follows it through rotations, even several at once, and forgets the old one.', async t => {
  const first = await createAuthority()
  const second = await createAuthority(first)
  const third = await createAuthority(second)
  const trust = trusting(first.certificate)
  t.is(await meet(t, await certify(third, ['127.0.0.1']), trust), 'trusted')
  t.is(fingerprintOfAuthority(trust.authority()!), fingerprintOfAuthority(third.certificate))
  t.is(await meet(t, await certify(third, ['127.0.0.1']), trust), 'trusted')
  t.is(trust.followed.length, 2)
  t.not(await meet(t, await certify(first, ['127.0.0.1']), trust), 'trusted')
  const fourth = await createAuthority(third)
  t.is(await meet(t, await certify(fourth, ['127.0.0.1']), trust), 'trusted')
})
