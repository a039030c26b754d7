// Hands on what is watched to a Stately inspector that listens on this machine: a WebSocket, a JSON message an event. One
// that reads slowly misses events, and gets a picture of everything once it has caught up; one that ended is connected to
// again. Nothing that it says is listened to.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { inspectionTunables } from '../../../config/inspection.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import { allMachines } from '../../machines/all-machines.ts'
import { readInspection } from '../../wire/inspection.ts'
import type { Watching } from '../../wire/watching.ts'
import { createStatelyEvents } from './stately-translator.ts'
import type { ViewSource } from './view-source.ts'

type Watched = Pick<ViewSource, 'connection' | 'subjects' | 'watchSubject'>

/** Undefined when nothing listens on that port. Returns what ends it. */
export async function linkToStately(port: number, view: Watched): Promise<(() => void) | undefined> {
  let socket: WebSocket
  let isEnded = false
  let again: NodeJS.Timeout | undefined
  let watcher = ''
  let translate = createStatelyEvents(allMachines, definitionDigests())
  /** Events were left out: it is owed a picture. */
  let isBehind = false

  const announce = () => {
    const watching: Watching = { watchers: [watcher] }
    if (!view.connection.isClosed()) view.connection.publish(view.watchSubject, JSON.stringify(watching))
  }
  /** A watcher that was not there before is sent pictures. */
  const beginAnew = () => {
    watcher = randomBytes(16).toString('hex')
    isBehind = false
    announce()
  }
  const dial = async (): Promise<boolean> => {
    const dialled = new WebSocket(`ws://127.0.0.1:${port}`, {
      perMessageDeflate: false,
      handshakeTimeout: visualizerTunables.statelyAgainMs,
    })
    socket = dialled.on('error', () => {})
    try {
      await once(dialled, 'open')
    } catch {
      return false
    }
    dialled.on('close', redial)
    translate = createStatelyEvents(allMachines, definitionDigests())
    if (isEnded) dialled.terminate()
    return true
  }
  const redial = () => {
    if (isEnded) return
    again = setTimeout(async () => ((await dial()) ? beginAnew() : redial()), visualizerTunables.statelyAgainMs)
  }

  if (!(await dial())) return undefined
  const subscriptions = view.subjects.map(subject =>
    view.connection.subscribe(subject, {
      callback: (error, { subject, data }) => {
        if (error || socket.readyState !== WebSocket.OPEN) return
        if (isBehind && socket.bufferedAmount === 0) beginAnew()
        if (socket.bufferedAmount > inspectionTunables.mostBytesOnTheirWay) isBehind = true
        const message = isBehind ? undefined : readInspection(data)
        if (message) for (const event of translate(subject, message)) socket.send(JSON.stringify(event))
      },
    }),
  )
  await view.connection.flush()
  beginAnew()
  const announcing = setInterval(announce, inspectionTunables.watchEveryMs)
  return () => {
    isEnded = true
    clearTimeout(again)
    clearInterval(announcing)
    for (const subscription of subscriptions) if (!view.connection.isClosed()) subscription.unsubscribe()
    socket.terminate()
  }
}
