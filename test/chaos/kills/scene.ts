// The set-up in which an agent is killed again and again: a small cluster, an honest sharer, a lying sharer, a peer that
// fetches what the victim offers, and the victim, which shares a few files from the start.

import { createHash, randomBytes } from 'node:crypto'
import { mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as delay } from 'node:timers/promises'
import { openHome } from '../../../src/actors/device/home.ts'
import { shareId } from '../../../src/domain/manifest.ts'
import type { DownloadView } from '../../../src/wire/agent-api.ts'
import { startCluster } from '../../helpers/cluster.ts'
import { type SharedFile, startCountingSharer } from '../../helpers/counting-sharer.ts'
import { granted } from '../../helpers/granted.ts'
import { manifestOf } from '../../helpers/manifest-of.ts'
import { type OutsideTest, outsideTest } from '../../helpers/outside-test.ts'
import { admit, type Person, person } from '../../helpers/person.ts'
import { tempFolder } from '../../helpers/temp-folder.ts'
import { type FailingDisk, makeFailingDisk } from '../disk/failing-disk.ts'
import { mountSmallDisk, type SmallDisk } from '../stage/small-disk.ts'
import type { Findings, Surroundings } from './check-device.ts'
import { createVictim, type Victim } from './victim.ts'

const MiB = 2 ** 20
export const group = 'reef'
/** What the victim shares from the start. */
export const kept = ['kept-1.bin', 'kept-2.bin', 'kept-3.bin']

/** Files to download: one at a few MiB a second, one with wrong bytes in between, one slow to verify, one quick. */
export type Kind = 'film' | 'lied' | 'big' | 'small'

export interface Scene {
  /** A folder for a run's own files. */
  readonly root: string
  readonly servers: readonly string[]
  /** Files at the top of the home's and the downloads' disks; checks skip them. */
  readonly disks: readonly SmallDisk[]
  /** The failing disk of the victim's folders; compiled at the first call. */
  failingDisk(): FailingDisk
  readonly victim: Victim
  readonly around: Surroundings & { readonly bystanders: Map<string, string>; readonly replaced: Map<string, string> }
  /** For files of the rounds that are not downloads. */
  readonly ownFiles: string
  readonly files: Readonly<Record<Kind, SharedFile>>
  /** A file that takes some time to hash. */
  readonly heavy: Buffer
  readonly onlooker: Person
  /** Returns once the victim has no connection left: from then on verified pieces must not be read again. */
  protect(found: Findings): Promise<void>
  /** Pieces that were read again for the victim although it had verified them. */
  takeFetchedAgain(): string[]
  /** A running download of that kind: the present one, or a new one in a folder of its own. */
  ensure(kind: Kind, overwrite?: boolean): Promise<DownloadView>
  /** Resolves with the first view that satisfies, or when it rests. */
  until(id: number, satisfies: (view: DownloadView) => boolean): Promise<DownloadView>
  /** The present download of that kind, if any. */
  current(kind: Kind): Promise<DownloadView | undefined>
  /** Forgets the ended download of this kind and its files; the next one starts from nothing. */
  forget(kind: Kind): Promise<void>
  /** If the run has failed, keeps the logs and prints where. */
  close(outcome: { readonly hasFailed: boolean }): Promise<void>
}

export interface SceneOptions {
  /** Sizes of the file that takes long to verify, and of those that take long to share. */
  readonly heavyBytes: number
  /** Sizes in MiB of separate disks for the device's home and its downloads; needs root. */
  readonly smallDisksMiB?: number | undefined
}

export const sha256Of = (data: Uint8Array): string => createHash('sha256').update(data).digest('hex')

export async function setScene(random: () => number, options: SceneOptions): Promise<Scene> {
  const outside = outsideTest()
  try {
    return await build(random, options, outside)
  } catch (error) {
    outside.failed()
    await outside.end()
    throw error
  }
}

async function build(random: () => number, options: SceneOptions, outside: OutsideTest) {
  const { t } = outside
  const { heavyBytes, smallDisksMiB } = options
  const root = tempFolder(t)
  const folder = join(root, 'downloads')
  const ownFiles = join(root, 'own')
  for (const made of [folder, ownFiles]) mkdirSync(made)
  const disks = smallDisksMiB === undefined ? [] : mountDisks(t, [join(root, 'home'), folder], smallDisksMiB)
  const cluster = await startCluster(t, { brokers: 1, trackers: 1 })
  const people = ['alice', 'bob', 'carol', 'mallory'].map(user => person(t, cluster.servers, user))
  const [alice, bob, carol, mallory] = (await Promise.all(people)) as [Person, Person, Person, Person]
  granted(await alice.trackers.ask('group.create', { group }))
  for (const member of [bob, carol, mallory]) await admit(alice, group, member)

  const verified = new Map<string, (piece: number) => boolean>()
  const fetchedAgain: string[] = []
  const onRead = (share: string, piece: number) => {
    if (verified.get(share)?.(piece)) fetchedAgain.push(`piece ${piece} of share ${share.slice(0, 8)}`)
  }
  const honest = await startCountingSharer(alice, group, onRead)
  const liar = await startCountingSharer(mallory, group, onRead, () => random() < 0.3)
  t.teardown(() => Promise.all([honest.close(), liar.close()]))
  mkdirSync(join(root, 'sources'))
  const source = (name: string, size: number) => {
    const path = join(root, 'sources', name)
    writeFileSync(path, randomBytes(size))
    return path
  }
  const heavy = randomBytes(heavyBytes)
  writeFileSync(join(root, 'sources', 'big.bin'), heavy)
  const lied = source('lied.bin', 12 * MiB + 3)
  const files: Record<Kind, SharedFile> = {
    film: await honest.offer(source('film.bin', 16 * MiB + 77), 'film.bin'),
    lied: await honest.offer(lied, 'lied.bin'),
    big: await honest.offer(join(root, 'sources', 'big.bin'), 'big.bin'),
    small: await honest.offer(source('small.bin', MiB + 9), 'small.bin'),
  }
  await liar.offer(lied, 'lied.bin')

  const home = openHome(join(root, 'home'))
  const { user, device, credential } = bob
  writeFileSync(join(home.folder, 'device.json'), JSON.stringify(device))
  home.saveSession({ user, device, credential })
  home.saveSeen(alice.trackers.seen)
  const victim = createVictim(home, bob, cluster.servers)
  t.teardown(() => victim.kill())
  const around = { home, user, device, folder, bystanders: new Map<string, string>(), replaced: new Map() }
  await victim.start()
  await victim.answers()
  for (const name of kept) {
    const data = randomBytes(MiB / 2 + 1)
    writeFileSync(join(ownFiles, name), data)
    around.bystanders.set(join(ownFiles, name), sha256Of(data))
    await victim.ask('share', { path: join(ownFiles, name), group })
  }

  const current = new Map<Kind, { id: number; folder: string }>()
  let made = 0
  let disk: FailingDisk | undefined
  const until: Scene['until'] = async (id, satisfies) => {
    const enough = new AbortController()
    let found: DownloadView | undefined
    const onProgress = (view: DownloadView) => {
      if (found || !satisfies(view)) return
      found = view
      enough.abort()
    }
    try {
      return granted(await victim.agent.ask('download.follow', { id }, { onProgress, signal: enough.signal }))
    } catch (error) {
      if (found) return found
      throw error
    }
  }
  const forget: Scene['forget'] = async kind => {
    const was = current.get(kind)
    if (!was) return
    current.delete(kind)
    verified.delete(files[kind].share)
    const view = (await victim.ask('downloads', {})).find(({ id }) => id === was.id)
    if (view?.state === 'completed') {
      const ended = await victim.agent.ask('unshare', { group, name: files[kind].manifest.name })
      // The trackers may not know of it yet.
      if (!ended.ok && ended.code !== 'not-sharing') granted(ended)
    } else await victim.ask('cancel', { id: was.id })
    for (const path of [...around.bystanders.keys()]) if (path.startsWith(was.folder)) around.bystanders.delete(path)
    rmSync(was.folder, { recursive: true })
  }

  const scene: Scene = {
    root,
    servers: cluster.servers,
    disks,
    failingDisk() {
      disk ??= makeFailingDisk(join(root, 'sources'), { home: home.folder, downloads: folder, own: ownFiles })
      return disk
    },
    victim,
    around,
    ownFiles,
    files,
    heavy,
    onlooker: carol,
    takeFetchedAgain: () => fetchedAgain.splice(0),
    async protect({ downloads, verified: right }) {
      const giveUpAt = Date.now() + 30_000
      while (honest.sessions + liar.sessions > 0) {
        if (Date.now() > giveUpAt) throw new Error('a killed agent is still served')
        await delay(2)
      }
      for (const { id } of current.values()) {
        const share = downloads.find(record => record.id === id)?.share
        const pieces = right.get(id)
        if (share !== undefined && pieces) verified.set(share, piece => pieces.has(piece))
      }
    },
    until,
    forget,
    async current(kind) {
      const was = current.get(kind)
      return was && (await victim.ask('downloads', {})).find(({ id }) => id === was.id)
    },
    async ensure(kind, overwrite = false) {
      const now = await scene.current(kind)
      if (now && now.state !== 'completed') return now
      await forget(kind)
      made += 1
      const into = join(folder, `${kind}-${made}`)
      mkdirSync(into)
      const { name } = files[kind].manifest
      for (const beside of [`${name}.part2`, `a-${name}`, `.${name}.part`]) {
        writeFileSync(join(into, beside), beside)
        around.bystanders.set(join(into, beside), sha256Of(Buffer.from(beside)))
      }
      if (overwrite) {
        writeFileSync(join(into, name), `the ${name} before`)
        around.replaced.set(join(into, name), sha256Of(readFileSync(join(into, name))))
      }
      const view = await victim.ask('download', { group, name, destination: into, overwrite })
      current.set(kind, { id: view.id, folder: into })
      return view
    },
    async close({ hasFailed }) {
      if (hasFailed) outside.failed()
      await outside.end()
    },
  }
  return scene
}

const mountDisks = (t: OutsideTest['t'], folders: readonly string[], mib: number) =>
  folders.map(folder => {
    const disk = mountSmallDisk(folder, mib)
    t.teardown(() => disk.unmount())
    return disk
  })

/** The manifest as the onlooker's agent knows it. */
export const keptFile = (scene: Scene, name: string) => {
  const bytes = readFileSync(join(scene.ownFiles, name))
  const manifest = manifestOf(name, bytes)
  return { bytes, manifest, share: shareId(group, manifest) }
}
