// The agent's side of wire/agent-api.ts: listens at the socket in the home, checks each request, and answers it with a
// stream that ends exactly once. Only this person's processes on this machine can open the socket; what one of them may
// send, and leave unread, is bounded all the same. Work for a client is aborted when it closes its connection. The socket
// is made again when it cannot be made, or has been removed: this actor never ends by itself.

import { chmodSync, existsSync, rmSync } from 'node:fs'
import { createServer, type Server, type Socket } from 'node:net'
import type { Logger } from 'pino'
import { fromCallback } from 'xstate'
import type * as z from 'zod'
import { agentApiTunables } from '../../../config/client.ts'
import { type Outcome, refuse } from '../../domain/refusal.ts'
import { LibraryFailed } from '../../storage/library-file.ts'
import {
  type AgentMethod,
  type AgentProgress,
  type AgentReply,
  type AgentResult,
  agentMethods,
  agentRequestSchema,
} from '../../wire/agent-api.ts'
import { readJson } from '../../wire/json.ts'
import { LineSplitter } from '../../wire/line-splitter.ts'

/** The client that sent a request, as its handler sees it. */
export interface Asker<M extends AgentMethod> {
  /** Resolves when the client has room for more, or is gone. Only a handler that sends lists has to wait for that. */
  progress(item: AgentProgress<M>): Promise<void>
  /** Aborted when the client is gone, or the agent stops. */
  readonly signal: AbortSignal
}

export type AgentHandlers = {
  readonly [M in AgentMethod]: (
    params: z.output<(typeof agentMethods)[M]['params']>,
    asker: Asker<M>,
  ) => Promise<Outcome<AgentResult<M>>>
}

type AnyHandler = (params: unknown, asker: Asker<AgentMethod>) => Promise<Outcome<unknown>>

export type AgentApiSettings = { readonly [Name in keyof typeof agentApiTunables]: number }

export interface AgentApiNeeds {
  /** Where to listen (device/agent-socket.ts); throws when there is no such place now. */
  placeSocket(): string
  readonly handlers: AgentHandlers
  readonly log: Logger
  readonly settings?: AgentApiSettings
}

const isMethod = (name: string): name is AgentMethod => Object.hasOwn(agentMethods, name)

export const createAgentApi = ({ placeSocket, handlers, log, settings = agentApiTunables }: AgentApiNeeds) =>
  fromCallback(() => {
    const clients = new Set<Socket>()
    const serve = (socket: Socket) => {
      const refusal = clients.size >= settings.mostRequests ? tooMany : undefined
      clients.add(socket)
      socket.on('close', () => clients.delete(socket))
      serveRequest(socket, refusal, handlers, log, settings)
    }
    const listening = new Listening(placeSocket, serve, log)
    listening.open()
    const checking = setInterval(() => listening.check(), settings.checkSocketEveryMs)
    return () => {
      clearInterval(checking)
      listening.close()
      for (const client of clients) client.destroy()
    }
  })

const tooMany = refuse('too-many', 'the agent is busy with too many requests at once; try again when some have ended')
const unknownMethod = refuse(
  'usage',
  'the agent does not know this request; restart it with shoal agent stop and shoal agent start',
)

/** The socket that clients connect to. */
class Listening {
  readonly #placeSocket: () => string
  readonly #serve: (socket: Socket) => void
  readonly #log: Logger
  #server: Server | undefined
  #path: string | undefined
  /** The last failure, which is logged once. */
  #failure: string | undefined

  constructor(placeSocket: () => string, serve: (socket: Socket) => void, log: Logger) {
    this.#placeSocket = placeSocket
    this.#serve = serve
    this.#log = log
  }

  open(): void {
    try {
      const path = this.#placeSocket()
      // Left by an agent that was killed: the library's lock says that this is the only one of the home.
      rmSync(path, { force: true })
      const server = createServer(this.#serve)
      this.#server = server
      this.#path = path
      server.on('error', error => this.#fail(error))
      server.listen(path, () => this.#restrict(path))
    } catch (error) {
      this.#fail(error)
    }
  }

  /** Opens it again unless it is there. */
  check(): void {
    if (this.#path !== undefined && existsSync(this.#path)) return
    this.close()
    this.open()
  }

  /** Removes the socket. Connections that are open stay. */
  close(): void {
    this.#server?.close()
    this.#server = undefined
    this.#path = undefined
  }

  /** The folder keeps others out already. */
  #restrict(path: string): void {
    try {
      chmodSync(path, 0o600)
      this.#failure = undefined
    } catch (error) {
      this.#fail(error)
    }
  }

  #fail(error: unknown): void {
    const failure = String(error)
    if (failure !== this.#failure) this.#log.error({ err: error }, 'the agent cannot take commands; it tries again')
    this.#failure = failure
    this.close()
  }
}

/** Resolves when the client has read what was written, or is gone. */
async function hasRoom(socket: Socket): Promise<void> {
  if (!socket.writable || !socket.writableNeedDrain) return
  await new Promise<void>(resolve => {
    const settle = () => {
      socket.off('drain', settle)
      socket.off('close', settle)
      resolve()
    }
    socket.on('drain', settle)
    socket.on('close', settle)
  })
}

/** Reads one request, and answers it; with `refusal`, if there is one. */
function serveRequest(
  socket: Socket,
  refusal: Outcome<unknown> | undefined,
  handlers: AgentHandlers,
  log: Logger,
  settings: AgentApiSettings,
): void {
  const gone = new AbortController()
  const lines = new LineSplitter(settings.mostRequestBytes)
  const say = (reply: AgentReply) => {
    if (!socket.writable) return
    if (socket.writableLength > settings.mostUnreadBytes) socket.destroy()
    else socket.write(`${JSON.stringify(reply)}\n`)
  }
  /** Says a list in several lines, as the client reads them; anything else in one. */
  const sayInLines = async (value: unknown, last: (value: unknown) => AgentReply) => {
    if (!Array.isArray(value)) return say(last(value))
    let from = 0
    for (; value.length - from > settings.rowsAtOnce; from += settings.rowsAtOnce) {
      say({ kind: 'rows', rows: value.slice(from, from + settings.rowsAtOnce) })
      await hasRoom(socket)
    }
    say(last(from === 0 ? value : value.slice(from)))
  }
  const end = async (outcome: Outcome<unknown>) => {
    if (outcome.ok) await sayInLines(outcome.value, result => ({ kind: 'end', ok: true, result }))
    else say({ ...outcome, kind: 'end' })
    clearInterval(working)
    // Not `end`: a client that stayed would keep its place.
    socket.destroySoon()
  }
  const late = setTimeout(() => socket.destroy(), settings.requestWithinMs)
  let working: NodeJS.Timeout | undefined
  let isAsked = false

  const answer = async (line: Uint8Array) => {
    const request = readJson(line, agentRequestSchema)
    if (!request) return end(refuse('usage', 'the agent does not understand this request'))
    const { method } = request
    if (!isMethod(method)) return end(unknownMethod)
    const params = agentMethods[method].params.safeParse(request.params)
    if (!params.success) return end(refuse('usage', `the agent does not understand this request for ${method}`))
    working = setInterval(() => say({ kind: 'working' }), settings.workingEveryMs)
    const progress = (given: unknown) => sayInLines(given, item => ({ kind: 'progress', item }))
    try {
      await end(await (handlers[method] as AnyHandler)(params.data, { progress, signal: gone.signal }))
    } catch (error) {
      if (gone.signal.aborted) return
      log.error({ method, err: error }, 'a request failed')
      if (error instanceof LibraryFailed) return end(refuse(error.code, error.message))
      const why = (error as Error).message.replaceAll(/\p{Cc}/gu, ' ').slice(0, 300)
      end(refuse('unreachable', `the agent failed: ${why}; see its log`))
    }
  }

  socket.on('data', (chunk: Buffer) => {
    try {
      const [line] = isAsked ? [] : lines.push(chunk)
      if (!line) return
      isAsked = true
      clearTimeout(late)
      if (refusal) end(refusal)
      else void answer(line)
    } catch {
      end(refuse('usage', `a request to the agent has at most ${settings.mostRequestBytes} bytes`))
    }
  })
  socket.on('error', () => {})
  socket.on('close', () => {
    clearTimeout(late)
    clearInterval(working)
    gone.abort()
  })
}
