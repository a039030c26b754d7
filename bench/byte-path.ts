// How fast bytes travel between Shoal's own peers on this machine: N serving processes and one fetching process, over
// loopback, direct or relayed. Nothing is hashed or written, so this is the sessions' own limit.
//   npm run bench -- byte-path [--servers 4] [--mib 1024] [--relay]      --relay: measures both and compares them

import { fork } from 'node:child_process'
import { parseArgs } from 'node:util'
import { connect } from 'nats'
import { createActor, fromCallback } from 'xstate'
import { downloadTunables } from '../config/swarm.ts'
import { createBufferPool } from '../src/actors/swarm/buffer-pool.ts'
import { provideDownloadSession } from '../src/actors/swarm/download-session.ts'
import { fullBitfield } from '../src/domain/bitfield.ts'
import { pieceCount, pieceLengthFor } from '../src/domain/manifest.ts'
import type { DownloadSessionEvent } from '../src/machines/swarm-protocol.ts'
import type { SwarmPeer } from '../src/wire/tracker-api.ts'
import { startOpenBroker } from '../test/helpers/open-broker.ts'
import { bob, noRelay, startServer } from '../test/helpers/swarm.ts'
import { openTestRelay } from '../test/helpers/test-relay.ts'

const { values } = parseArgs({
  options: {
    servers: { type: 'string', default: '4' },
    mib: { type: 'string', default: '1024' },
    relay: { type: 'boolean', default: false },
    serve: { type: 'string' },
    broker: { type: 'string' },
  },
})
const size = Number(values.mib) * 1024 * 1024
const manifest = { name: 'bench.bin', size, sha1: '', sha256: '', pieceLength: pieceLengthFor(size), pieces: '' }
const buffers = createBufferPool(downloadTunables.keptPieceBytes)
const share = '0'.repeat(32)
const count = pieceCount(manifest)

async function serve(index: number, brokerUrl: string | undefined): Promise<void> {
  const me = { user: `server${index}`, device: 'aaaaaaaaaaaa' }
  const relay = brokerUrl === undefined ? undefined : await openTestRelay(() => connect({ servers: brokerUrl }), me)
  const server = await startServer(me, relay?.accept)
  const piece = Buffer.alloc(manifest.pieceLength, index)
  const read = async (_: number, offset: number, into: readonly Buffer[]) => {
    for (const target of into) offset += piece.copy(target, 0, offset, offset + target.length)
  }
  server.uploads.send({
    type: 'offer.added',
    offer: { share, group: 'bench', manifest, have: fullBitfield(count), read },
  })
  const peer = server.peerFor(bob, share)
  process.send!(brokerUrl === undefined ? peer : { ...peer, port: 1 })
  process.on('disconnect', () => {
    const { user, system } = process.cpuUsage()
    console.log(
      `${me.user}: ${((user + system) / 1e6).toFixed(2)} CPU s, ${(process.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB`,
    )
    process.exit()
  })
}

async function fetchFrom(peers: readonly SwarmPeer[], brokerUrl: string | undefined): Promise<number> {
  const relay = brokerUrl === undefined ? undefined : await openTestRelay(() => connect({ servers: brokerUrl }), bob)
  const machine = provideDownloadSession({ me: bob, connectRelay: relay?.connect ?? noRelay, buffers })
  const { promise, resolve, reject } = Promise.withResolvers<void>()
  let next = 0
  let arrived = 0
  let startedAt = 0
  const startedCpu = process.cpuUsage()
  for (const peer of peers) {
    let capacity = 0
    let inFlight = 0
    const parent = fromCallback<DownloadSessionEvent>(({ receive }) =>
      receive(event => {
        if (event.type === 'peer.ready') startedAt ||= performance.now()
        if (event.type === 'peer.lost') reject(new Error(event.reason))
        if (event.type === 'peer.capacity') capacity = event.pieces
        if (event.type === 'piece.received') {
          inFlight--
          buffers.give(event.data)
          if (++arrived === count) resolve()
        }
        for (; inFlight < capacity && next < count; inFlight++) session.send({ type: 'piece.wanted', piece: next++ })
      }),
    )
    const session = createActor(machine, {
      input: { peer, share, manifest, parent: createActor(parent).start() as never },
    })
    session.start()
  }
  await promise
  const seconds = (performance.now() - startedAt) / 1000
  const { user, system } = process.cpuUsage(startedCpu)
  const rate = size / seconds / 1e6
  console.log(
    `${peers.length} servers, ${brokerUrl === undefined ? 'direct' : 'relayed'}: ${rate.toFixed(0)} MB/s, fetcher ${((user + system) / 1e6).toFixed(2)} CPU s, ` +
      `${(process.resourceUsage().maxRSS / 1024).toFixed(0)} MiB at most`,
  )
  return rate
}

/** MB/s, through the broker if one is given. */
async function measure(broker: string | undefined): Promise<number> {
  const flags = broker === undefined ? [] : ['--broker', broker]
  const children = Array.from({ length: Number(values.servers) }, (_, index) =>
    fork(import.meta.filename, ['--serve', String(index), '--mib', values.mib, ...flags]),
  )
  const peers = await Promise.all(
    children.map(child => new Promise<SwarmPeer>(resolve => child.once('message', peer => resolve(peer as SwarmPeer)))),
  )
  const rate = await fetchFrom(peers, broker)
  for (const child of children) {
    const gone = new Promise(resolve => child.once('exit', resolve))
    child.disconnect()
    await gone
  }
  return rate
}

if (values.serve !== undefined) await serve(Number(values.serve), values.broker)
else {
  const direct = await measure(undefined)
  if (values.relay) {
    await using broker = await startOpenBroker()
    const relayed = await measure(broker.server)
    console.log(`relayed is ${(relayed / direct).toFixed(2)} times direct`)
  }
  process.exit()
}
