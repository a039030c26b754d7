// `shoal visualizer --stately`: sends what watchers are told to a Stately inspector on this machine, over a WebSocket, one
// JSON message an event. An inspector that reads too slowly misses events and gets a new snapshot once it has caught up;
// one that has gone is connected to again. Nothing that it sends is read.

import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { WebSocket } from 'ws'
import { inspectionTunables } from '../../../config/inspection.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { definitionDigests } from '../../charts/definition-digests.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import { allMachines } from '../../machines/all-machines.ts'
import { readInspection } from '../../wire/inspection.ts'
import type { Watching } from '../../wire/watching.ts'
import { StatelyTranslator } from './stately-translator.ts'
import { openDefaultView, type Viewer, type ViewSource } from './view-source.ts'

/** Sends until the function it returns is called. Refuses with `unreachable` when nothing listens on that port. */
export async function sendToStately(
  viewer: Viewer,
  asOperator: boolean,
  port: number,
): Promise<Outcome<() => Promise<void>>> {
  const opened = await openDefaultView(viewer, asOperator)
  if (!opened.ok) return opened
  const view = opened.value
  const bridge = new StatelyBridge(port, view)
  const end = async () => {
    bridge.close()
    await view.close()
  }
  if (await bridge.open()) return done(end)
  await end()
  return refuse(
    'unreachable',
    `no Stately inspector listens on port ${port} of this machine; createInspectorServer of @statelyai/inspect/server starts one`,
  )
}

class StatelyBridge {
  readonly #address: string
  readonly #view: Pick<ViewSource, 'connection' | 'subjects' | 'watchSubject'>
  readonly #subscriptions: { unsubscribe(): void }[] = []
  #socket: WebSocket | undefined
  #translator = newTranslator()
  /** Under a new name, a watcher is sent new snapshots. */
  #watcher = ''
  /** Events were left out: a new snapshot is needed. */
  #isBehind = false
  #isClosed = false
  #redialTimer: NodeJS.Timeout | undefined
  #announceTimer: NodeJS.Timeout | undefined

  constructor(port: number, view: Pick<ViewSource, 'connection' | 'subjects' | 'watchSubject'>) {
    this.#address = `ws://127.0.0.1:${port}`
    this.#view = view
  }

  /** False when nothing listens there. */
  async open(): Promise<boolean> {
    if (!(await this.#dial())) return false
    const { connection, subjects } = this.#view
    for (const subscription of subjects) {
      const callback = (error: Error | null, message: { readonly subject: string; readonly data: Uint8Array }) => {
        if (!error) this.#forward(message.subject, message.data)
      }
      this.#subscriptions.push(connection.subscribe(subscription, { callback }))
    }
    await connection.flush()
    this.#watchAnew()
    this.#announceTimer = setInterval(() => this.#announce(), inspectionTunables.watchEveryMs)
    return true
  }

  close(): void {
    this.#isClosed = true
    clearTimeout(this.#redialTimer)
    clearInterval(this.#announceTimer)
    for (const subscription of this.#subscriptions) if (!this.#view.connection.isClosed()) subscription.unsubscribe()
    this.#socket?.terminate()
  }

  #forward(subject: string, data: Uint8Array): void {
    const socket = this.#socket
    if (socket?.readyState !== WebSocket.OPEN) return
    if (this.#isBehind && socket.bufferedAmount === 0) this.#watchAnew()
    if (socket.bufferedAmount > inspectionTunables.mostBytesOnTheirWay) this.#isBehind = true
    const message = this.#isBehind ? undefined : readInspection(data)
    if (!message) return
    for (const event of this.#translator.translate(subject, message)) socket.send(JSON.stringify(event))
  }

  async #dial(): Promise<boolean> {
    const socket = new WebSocket(this.#address, {
      perMessageDeflate: false,
      handshakeTimeout: visualizerTunables.statelyAgainMs,
    })
    this.#socket = socket.on('error', () => {})
    try {
      await once(socket, 'open')
    } catch {
      return false
    }
    socket.on('close', () => this.#redial())
    this.#translator = newTranslator()
    if (this.#isClosed) socket.terminate()
    return true
  }

  #redial(): void {
    if (this.#isClosed) return
    this.#redialTimer = setTimeout(async () => {
      if (await this.#dial()) this.#watchAnew()
      else this.#redial()
    }, visualizerTunables.statelyAgainMs)
  }

  #watchAnew(): void {
    this.#watcher = randomBytes(16).toString('hex')
    this.#isBehind = false
    this.#announce()
  }

  #announce(): void {
    const watching: Watching = { watchers: [this.#watcher] }
    const { connection, watchSubject } = this.#view
    if (!connection.isClosed()) connection.publish(watchSubject, JSON.stringify(watching))
  }
}

const newTranslator = () => new StatelyTranslator(allMachines, definitionDigests())
