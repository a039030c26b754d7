// The limits of a device on a real cluster. The caps of these agents go by a clock that the test moves: what may have
// passed is known, however fast or slow the machine is.

import { readFile } from 'node:fs/promises'
import { join } from 'node:path'
import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import { limitTunables, peerTunables } from '../../config/swarm.ts'
import { type AgentDevice, agentDevice, randomFile } from '../helpers/agent-device.ts'
import { startCluster, type TestCluster } from '../helpers/cluster.ts'
import { granted } from '../helpers/granted.ts'
import { admit, person } from '../helpers/person.ts'
import { type VirtualClock, virtualClock } from '../helpers/virtual-clock.ts'
import { withShared } from '../helpers/with-shared.ts'

const test = withShared(anyTest.serial as TestFn<TestCluster>, t => startCluster(t, { brokers: 1, trackers: 1 }))

const MiB = 2 ** 20
let groups = 0

interface Pair {
  readonly alice: AgentDevice
  readonly bob: AgentDevice
  readonly clocks: { readonly alice: VirtualClock; readonly bob: VirtualClock }
  readonly file: string
  /** Bob asks for Alice's file; its number. */
  download(): Promise<number>
}

/** Alice shares a file with Bob; the caps of each go by a clock of their own. */
async function pair(t: ExecutionContext<TestCluster>, size: number): Promise<Pair> {
  groups += 1
  const group = `limited${groups}`
  const { servers } = t.context
  const [a, b] = [await person(t, servers, `alice-${groups}`), await person(t, servers, `bob-${groups}`)]
  granted(await a.trackers.ask('group.create', { group }))
  await admit(a, group, b)
  const clocks = { alice: virtualClock(), bob: virtualClock() }
  const alice = await agentDevice(t, servers, a, { clock: clocks.alice })
  const bob = await agentDevice(t, servers, b, { clock: clocks.bob })
  const file = randomFile(alice.folder, 'big.bin', size)
  await alice.ask('share', { path: file, group })
  bob.home.saveSeen(alice.home.seen())
  const download = async () =>
    (await bob.ask('download', { group, name: 'big.bin', destination: bob.folder, overwrite: false })).id
  return { alice, bob, clocks, file, download }
}

const viewOf = async (device: AgentDevice, id: number) =>
  (await device.ask('downloads', {})).find(view => view.id === id)!

async function isWhole(t: ExecutionContext, { bob, file }: Pair, id: number) {
  const view = await bob.ask('download.follow', { id })
  t.is(view.state, 'completed', JSON.stringify(view))
  t.true((await readFile(join(bob.folder, 'big.bin'))).equals(await readFile(file)))
}

test('A download cap set while a download runs holds at once, over a restart of the agent, and until it is lifted.', async t => {
  const both = await pair(t, 128 * MiB)
  const { bob, clocks } = both
  const id = await both.download()
  await bob.until(id, view => view.bytes.done > 8 * MiB)
  const down = MiB
  t.deepEqual(await bob.ask('limits.change', { down }), { up: null, down, connections: null })
  const atFirst = (await viewOf(bob, id)).bytes.done
  // What had been asked for before may still come, and one burst.
  const most = atFirst + peerTunables.maxBlocksInFlight * peerTunables.blockBytes + peerTunables.blockBytes
  for (let look = 0; look < 20; look += 1) t.true((await viewOf(bob, id)).bytes.done <= most)

  await bob.stop()
  await bob.start()
  t.deepEqual(await bob.ask('limits', {}), { up: null, down, connections: null })
  t.deepEqual((await bob.ask('status', {})).limits, { up: null, down, connections: null })
  const since = clocks.bob.now()
  const { bytes } = await viewOf(bob, id)
  let view = await viewOf(bob, id)
  while (view.bytes.done < bytes.done + 4 * MiB) {
    clocks.bob.advance(100)
    view = await viewOf(bob, id)
    const mayHaveCome =
      (down * (clocks.bob.now() - since)) / 1000 +
      Math.max(peerTunables.blockBytes, (down * limitTunables.burstMs) / 1000)
    t.true(view.bytes.done - bytes.done <= mayHaveCome, `${view.bytes.done - bytes.done} of ${mayHaveCome}`)
  }
  await bob.ask('limits.change', { down: null })
  await isWhole(t, both, id)
})

test('An upload cap applies to peers that are being served, and is lifted at once.', async t => {
  const both = await pair(t, 32 * MiB)
  const { alice, bob, clocks } = both
  const up = MiB
  await alice.ask('limits.change', { up })
  const since = clocks.alice.now()
  const id = await both.download()
  let view = await viewOf(bob, id)
  while (view.bytes.done < 4 * MiB) {
    clocks.alice.advance(100)
    view = await viewOf(bob, id)
    t.true(view.bytes.done <= (up * (clocks.alice.now() - since)) / 1000 + peerTunables.blockBytes)
  }
  await alice.ask('limits.change', { up: null })
  await isWhole(t, both, id)
})

test('An invalid limit is refused and changes nothing.', async t => {
  const { alice } = await pair(t, 1)
  await alice.ask('limits.change', { connections: limitTunables.leastConnections })
  for (const wrong of [{ up: 5 }, { down: 0 }, { connections: 3 }, { connections: 4.5 }, { up: 1e15 }, { sideways: 1 }])
    t.like(await alice.agent.ask('limits.change', wrong as object), { ok: false, code: 'usage' })
  t.deepEqual(await alice.ask('limits', {}), { up: null, down: null, connections: limitTunables.leastConnections })
})
