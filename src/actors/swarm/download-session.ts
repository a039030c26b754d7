// The download session with its connection provided: the download machine spawns one for each peer.

import { downloadSessionMachine } from '../../machines/download-session.ts'
import { createPeerConnection, type PeerConnectionNeeds } from './peer-connection.ts'

export const provideDownloadSession = (needs: PeerConnectionNeeds): typeof downloadSessionMachine =>
  downloadSessionMachine.provide({ actors: { connection: createPeerConnection(needs) } })
