// A sharer in this process, with the real uploads machine, that reports every piece read for a peer. One that lies shares
// in good standing and serves wrong bytes now and then.

import { type FileHandle, open } from 'node:fs/promises'
import { createActor, fromCallback } from 'xstate'
import { presenceTunables } from '../../config/client.ts'
import { provideUploads } from '../../src/actors/swarm/uploads.ts'
import { fullBitfield } from '../../src/domain/bitfield.ts'
import { type Manifest, pieceCount, shareId } from '../../src/domain/manifest.ts'
import type { UploadsEvent } from '../../src/machines/swarm-protocol.ts'
import { uploadsStatus } from '../../src/machines/uploads.ts'
import { hashFile } from '../../src/storage/hashing.ts'
import { readFully } from '../../src/storage/read-fully.ts'
import { presenceSubject } from '../../src/wire/subjects.ts'
import { granted } from './granted.ts'
import type { Person } from './person.ts'

export interface SharedFile {
  readonly path: string
  readonly share: string
  readonly manifest: Manifest
}

export interface CountingSharer {
  offer(path: string, name: string): Promise<SharedFile>
  /** Peers that are connected. */
  readonly sessions: number
  close(): Promise<void>
}

export async function startCountingSharer(
  person: Person,
  group: string,
  onRead: (share: string, piece: number) => void,
  liesAbout: (piece: number) => boolean = () => false,
): Promise<CountingSharer> {
  const { ticketKey } = granted(await person.trackers.ask('agent.session', {}))
  const opened = Promise.withResolvers<number>()
  const parent = createActor(
    fromCallback<UploadsEvent>(({ receive }) =>
      receive(event => {
        if (event.type === 'uploads.opened') opened.resolve(event.port)
      }),
    ),
  ).start()
  const logic = provideUploads({ ticketKey: Buffer.from(ticketKey, 'base64url'), acceptRelayed: () => () => {} })
  const uploads = createActor(logic, {
    input: { listen: { host: '127.0.0.1', port: 0 }, parent: parent as never },
  }).start()
  const port = await opened.promise
  const online = JSON.stringify({ state: 'online', port, fetching: [] })
  const beat = () => person.connection.publish(presenceSubject(person, person.connection.info?.client_ip ?? ''), online)
  beat()
  const beating = setInterval(beat, presenceTunables.heartbeatEveryMs)
  const files: FileHandle[] = []

  return {
    async offer(path, name) {
      const { fingerprint: _, ...hashes } = granted(await hashFile(path))
      const manifest: Manifest = { name, ...hashes }
      granted(await person.trackers.ask('share.add', { group, manifest }))
      const share = shareId(group, manifest)
      const file = await open(path)
      files.push(file)
      uploads.send({
        type: 'offer.added',
        offer: {
          share,
          group,
          manifest,
          have: fullBitfield(pieceCount(manifest)),
          async read(piece, offset, into) {
            onRead(share, piece)
            await readFully(file, into, piece * manifest.pieceLength + offset)
            if (liesAbout(piece)) for (const buffer of into) buffer.fill(0)
          },
        },
      })
      return { path, share, manifest }
    },
    get sessions() {
      return uploadsStatus(uploads.getSnapshot()).sessions
    },
    async close() {
      clearInterval(beating)
      uploads.stop()
      parent.stop()
      for (const file of files) await file.close()
    },
  }
}
