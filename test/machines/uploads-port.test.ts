// The port of the uploads actor, through a start, a stop and a second start of the actor.

import test from 'ava'
import { createActor, fromCallback } from 'xstate'
import { ticketTunables } from '../../config/swarm.ts'
import type { UploadsEvent } from '../../src/machines/swarm-protocol.ts'
import { uploadsMachine } from '../../src/machines/uploads.ts'
import { UploadsPort } from '../../src/machines/uploads-port.ts'
import type { InboundPeer } from '../../src/machines/uploads-protocol.ts'
import { bob, offerOf, recordEvents, sharedBytes } from '../helpers/swarm.ts'

const file = sharedBytes(10)
const offer = offerOf(file)
const listen = { host: '127.0.0.1', port: 0 }
const peer: InboundPeer = {
  id: 'bob-1',
  holder: bob,
  ticket: {
    share: file.share,
    seq: 10,
    epoch: 1,
    keyTag: '',
    holder: '',
    expiresAt: Date.now() + ticketTunables.lifetimeMs,
  },
  via: 'direct',
}

function uploadsWith(port: UploadsPort) {
  const idle = fromCallback(() => {}) as never
  const logic = uploadsMachine.provide({
    actors: { peerListener: idle, uploadSession: idle },
    actions: { attach: ({ self }) => port.attach(self) },
  })
  return () => createActor(logic, { input: { listen, parent: recordEvents<UploadsEvent>().ref } }).start()
}

test('The port shows what the running actor serves, and nothing before it listens or after it ended.', t => {
  const port = new UploadsPort()
  const start = uploadsWith(port)
  const shown = () => [port.status?.listen.port, port.peers.length, port.servedBytes, port.has(offer)]
  t.deepEqual(shown(), [undefined, 0, 0, false])

  const uploads = start()
  port.send({ type: 'offer.added', offer })
  t.deepEqual(shown(), [undefined, 0, 0, true], 'it does not listen yet')
  uploads.send({ type: 'listener.opened', host: '127.0.0.1', port: 7000 })
  uploads.send({ type: 'peer.arrived', peer })
  uploads.send({ type: 'bytes.served', share: file.share, bytes: 10 })
  t.deepEqual(shown(), [7000, 1, 10, true])
  t.is(port.peers[0], peer)
  t.false(port.has(offerOf(file)), 'an equal offer is another one')

  uploads.stop()
  t.deepEqual(shown(), [undefined, 0, 0, false])
  port.send({ type: 'offer.added', offer })
})

test('An actor that is started again takes its place at the port.', t => {
  const port = new UploadsPort()
  const start = uploadsWith(port)
  start().stop()
  const again = start()
  again.send({ type: 'listener.opened', host: '127.0.0.1', port: 7001 })
  port.send({ type: 'offer.added', offer })
  t.is(port.status?.listen.port, 7001)
  t.is(again.getSnapshot().context.offers.get(file.share), offer)
})
