// A device's folder as it is found.

import { chmodSync, mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { HomeFailed, openHome } from '../../../src/actors/device/home.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'

const untilNotRoot = process.getuid?.() === 0 ? test.skip : test

untilNotRoot('A home that may not be read is an error, and not one where nobody is logged in.', t => {
  const folder = tempFolder(t)
  chmodSync(folder, 0o000)
  t.teardown(() => chmodSync(folder, 0o700))
  t.throws(() => openHome(folder), { code: 'EACCES' })
})

/** What is there and cannot be read as a file. */
function homeWithout(t: ExecutionContext, name: string) {
  const folder = tempFolder(t)
  mkdirSync(join(folder, name))
  return { folder, home: openHome(folder) }
}

test('An unreadable file in the home is an error: the device, its log-in and the authority it trusts stay as they are.', t => {
  const failed = { instanceOf: HomeFailed, code: 'home-failed' } as const
  t.throws(() => homeWithout(t, 'device.json').home.device(), failed)
  t.throws(() => homeWithout(t, 'session.json').home.session(), failed)
  t.throws(() => homeWithout(t, 'seen.json').home.position(), failed)
  t.throws(() => homeWithout(t, 'authority.json').home.trust.authority(), failed)
})

test('A home without files, or with a damaged log-in, has no log-in; a damaged authority is an error.', t => {
  const folder = tempFolder(t)
  const home = openHome(folder)
  t.deepEqual([home.session(), home.trust.authority(), home.seen()], [undefined, undefined, 0])
  writeFileSync(home.sessionFile, '{"user":')
  t.is(home.session(), undefined)
  writeFileSync(join(folder, 'authority.json'), '"-----BEGIN')
  t.throws(() => home.trust.authority(), { code: 'home-failed', message: /is damaged/ }, 'nobody is trusted anew')
})

test('A failed write leaves nothing behind.', t => {
  const { home, folder } = homeWithout(t, 'seen.json')
  t.throws(() => home.saveServers(['nats://a']) ?? home.forgetSeen(), { instanceOf: HomeFailed })
  const other = homeWithout(t, 'servers.json')
  t.throws(() => other.home.saveServers(['nats://a']), { instanceOf: HomeFailed })
  t.deepEqual(
    [readdirSync(folder).sort(), readdirSync(other.folder)],
    [['seen.json', 'servers.json'], ['servers.json']],
  )
})
