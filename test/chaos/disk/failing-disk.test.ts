// Our code that reads and writes files, on a disk that really interrupts, falls short, breaks and fills: none of it is faked.

import { randomBytes } from 'node:crypto'
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import anyTest, { type ExecutionContext } from 'ava'
import { openHome } from '../../../src/actors/device/home.ts'
import { openLibrary } from '../../../src/storage/library.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'
import { crashAt } from '../kills/crash-point.ts'
import { calls, type Faults, hasFailingDisk, makeFailingDisk, places } from './failing-disk.ts'
import { runChild } from './run-child.ts'

// Without a C compiler nothing can be put between a process and its file system.
const test = hasFailingDisk() ? anyTest : anyTest.skip
const child = fileURLToPath(new URL('disk-child.ts', import.meta.url))

function scene(t: ExecutionContext) {
  const root = tempFolder(t)
  for (const name of ['home', 'downloads', 'own', 'disk']) mkdirSync(join(root, name))
  const at = { home: join(root, 'home'), downloads: join(root, 'downloads'), own: join(root, 'own') }
  const disk = makeFailingDisk(join(root, 'disk'), at)
  const home = openHome(at.home)
  home.saveSeen(77)
  openLibrary(home.libraryFile).close()
  const run = async (what: string, faults: Pick<Faults, 'kinds'> & Partial<Faults>, env = {}) => {
    disk.strike({ calls, places, odds: 1, seed: 1, ...faults })
    try {
      return await runChild(child, [what, root], { ...disk.env, ...env })
    } finally {
      disk.stop()
    }
  }
  return { ...at, root, disk, device: home.device(), run }
}

test('Interrupted or short system calls have no visible effect.', async t => {
  const { own, downloads, disk, run } = scene(t)
  writeFileSync(join(own, 'film.bin'), randomBytes(3 * 2 ** 20 + 5))
  const seed = Math.floor(Math.random() * 2 ** 31)
  t.log(`seed ${seed}`)
  const said = await run('whole', { kinds: ['interrupted', 'short'], odds: 0.4, seed })
  t.is(said.failed, undefined)
  t.like(said, { value: { isRead: true, isVerified: true, hashed: true, seen: 77 } })
  t.deepEqual(readdirSync(downloads), ['film.bin'])
  for (const what of ['interrupted read', 'short read', 'interrupted write', 'short write'])
    t.true((disk.struck().get(what) ?? 0) > 0, what)
})

test('A device whose disk cannot be read does not count as new.', async t => {
  const { device, run, home } = scene(t)
  t.like(await run('home', { kinds: ['broken'], calls: ['read'] }), { failed: 'home-failed' })
  t.is(openHome(home).device(), device)
})

test('A library whose disk cannot be read is not reported as damaged, and is intact afterwards.', async t => {
  const { run } = scene(t)
  t.like(await run('library', { kinds: ['broken'], calls: ['read'] }), { failed: 'library-failed' })
  t.like(await run('library', { kinds: [] }), { value: 0 })
})

test('A library whose disk is full says so.', async t => {
  const { run } = scene(t)
  t.like(await run('add', { kinds: ['full'], calls: ['write'], places: ['library'] }), { failed: 'no-space' })
})

test('Without hard links a file still gets its name, or the name stays free.', async t => {
  const { run, downloads } = scene(t)
  writeFileSync(join(downloads, 'x.part'), '0123456789')
  const broken = await run('name', { kinds: ['unlinkable', 'broken'], calls: ['link', 'rename'], seed: 4 })
  t.like(broken, { value: { named: 'destination-unwritable', isThere: false } })
  t.like(await run('name', { kinds: ['unlinkable'], calls: ['link'] }), { value: { named: 'named', isThere: true } })
})

/** A download without hard links, killed between taking its name and filling it; then, perhaps, another program's file. */
async function killedBetween(t: ExecutionContext, theirs?: string) {
  const { run, own, downloads } = scene(t)
  const bytes = randomBytes(1000)
  writeFileSync(join(own, 'film.bin'), bytes)
  const unlinkable = { kinds: ['unlinkable'], calls: ['link'] } as const
  await t.throwsAsync(run('download', unlinkable, crashAt('rename:1:before')), { message: /Command failed/ })
  t.deepEqual(readdirSync(downloads).sort(), ['film.bin', 'film.bin.part'])
  if (theirs !== undefined) writeFileSync(join(downloads, 'film.bin'), theirs)
  const said = await run('download', unlinkable)
  return { said, bytes, downloads, named: readFileSync(join(downloads, 'film.bin')) }
}

test('Without hard links, a kill between taking a name and filling it leaves nothing in the way.', async t => {
  const { said, bytes, downloads, named } = await killedBetween(t)
  t.like(said, { value: 'file.finished' })
  t.deepEqual(named, bytes)
  t.deepEqual(readdirSync(downloads), ['film.bin'])
})

for (const [what, theirs] of [
  ['A file', 'mine'],
  ['An empty file', ''],
] as const)
  test(`${what} that another program put under a name taken before a kill stays.`, async t => {
    const { said, named, downloads } = await killedBetween(t, theirs)
    t.like(said, { value: 'destination-exists' })
    t.is(named.toString(), theirs)
    t.deepEqual(readdirSync(downloads).sort(), ['film.bin', 'film.bin.part'])
  })
