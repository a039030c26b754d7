// The peer link of a download with its connection provided: what the download machine spawns, one for each peer.

import { peerLinkMachine } from '../../machines/peer-link.ts'
import { createPeerConnection, type PeerConnectionNeeds } from './peer-connection.ts'

export const providePeerLink = (needs: PeerConnectionNeeds): typeof peerLinkMachine =>
  peerLinkMachine.provide({ actors: { connection: createPeerConnection(needs) } })
