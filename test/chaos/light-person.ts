// A person who asks the trackers steadily, without an agent: signs up, logs in on a new device now and then, and does
// random things in a few groups that everyone competes for. Each request and its answer go into the history.

import { randomBytes, randomUUID } from 'node:crypto'
import { setTimeout as delay } from 'node:timers/promises'
import type { NatsConnection } from 'nats'
import { askAccount } from '../../src/actors/client/account-client.ts'
import { askAll } from '../../src/actors/client/ask-all.ts'
import { BrokerUnreachable, connectBroker, LoginRefused } from '../../src/actors/client/broker-connection.ts'
import type { Trust } from '../../src/actors/client/broker-trust.ts'
import { askPersistently, createTrackerClient, type TrackerClient } from '../../src/actors/client/tracker-client.ts'
import { credentialHashOf } from '../../src/domain/account.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import { guestInboxPrefix, signUpSubject } from '../../src/wire/subjects.ts'
import type { TrackerMethod, TrackerReply } from '../../src/wire/tracker-api.ts'
import type { Answer, Entry } from './check/history.ts'
import { type Mischief, type Tapped, tap } from './tap.ts'

export interface Recorder {
  readonly entries: Entry[]
  /** ms since the run began. */
  now(): number
}

export interface Session {
  readonly user: string
  readonly device: string
  readonly credentialHash: string
  readonly trackers: TrackerClient
  readonly connection: NatsConnection
  readonly tapped: Tapped
}

/** `maybe` if the answer does not say whether it took effect. */
export function answerOf(outcome: Outcome<unknown>, seq?: number): Answer {
  const at = seq === undefined ? {} : { seq }
  if (outcome.ok) return { kind: 'done', ...at, result: outcome.value }
  const { code, message } = outcome
  if (code === 'unreachable' || (code === 'no-quorum' && /may yet/.test(message))) return { kind: 'maybe', code }
  return { kind: 'refused', ...at, code }
}

/** The lists here are far shorter than a page: one answer, as of one moment. */
const isList = (method: TrackerMethod) => method === 'group.list' || method === 'group.files'

export interface LightPerson {
  readonly user: string
  /** Asks once, as the logged-in user; undefined if no log-in was possible. */
  ask(method: TrackerMethod, params: Entry['params'], sent?: unknown): Promise<Answer | undefined>
  /** Logs out, so that the next request comes from a new device. */
  renew(): Promise<void>
  close(): Promise<void>
}

export function createLightPerson(
  user: string,
  servers: readonly string[],
  trust: Trust,
  recorder: Recorder,
  mischief: Mischief,
): LightPerson {
  const password = `the password of ${user}`
  let session: Session | undefined
  let hasAccount = false

  const recorded = async (entry: Pick<Entry, 'device' | 'method' | 'params'>, work: () => Promise<Told>) => {
    const from = recorder.now()
    const { outcome, id, seq } = await work()
    const answer = answerOf(outcome, seq)
    const known = id === undefined ? {} : { id }
    recorder.entries.push({ user, ...entry, ...known, from, to: recorder.now(), answer })
    return answer
  }

  const signUp = () =>
    recorded({ device: '', method: 'signup', params: { user } }, async () => {
      const nonce = randomBytes(16).toString('hex')
      const guest = await connectBroker(servers, { kind: 'guest', nonce }, 'chaos', trust)
      const { transport, tapped } = tap(guest, mischief)
      const body = { id: randomUUID(), user, password }
      const subject = signUpSubject(guest.info?.client_ip ?? '')
      const answer = await askPersistently(transport, guestInboxPrefix(nonce), subject, body)
      await guest.close()
      return toldBy(answer, body.id, tapped)
    })

  const logIn = async () => {
    const device = randomBytes(6).toString('hex')
    const credential = randomBytes(32).toString('base64url')
    const answer = await recorded({ device, method: 'login', params: { user } }, async () => {
      const connection = await connectBroker(servers, { kind: 'password', user, password }, 'chaos', trust)
      const { transport, tapped } = tap(connection, mischief)
      const credentialHash = credentialHashOf(credential)
      const asked = await askAccount(transport, { user, device }, 'log-in', { name: 'chaos', credentialHash })
      await connection.close()
      return { outcome: asked.ok ? { ok: true, value: {} } : asked, id: tapped.lastId, seq: tapped.lastSeq }
    })
    if (answer.kind !== 'done') return
    const connection = await connectBroker(servers, { kind: 'device', user, device, credential }, 'chaos', trust)
    const { transport, tapped } = tap(connection, mischief)
    const trackers = createTrackerClient(transport, { user, device }, answer.seq)
    session = { user, device, credentialHash: credentialHashOf(credential), trackers, connection, tapped }
  }

  const ready = async () => {
    try {
      if (!hasAccount) {
        const answer = await signUp()
        hasAccount = answer.kind === 'done' || (answer.kind === 'refused' && answer.code === 'user-exists')
      }
      if (hasAccount && !session) await logIn()
    } catch (error) {
      if (!(error instanceof BrokerUnreachable || error instanceof LoginRefused)) throw error
    }
    if (!session) await delay(250)
    return session
  }
  const forget = async () => {
    const gone = session
    session = undefined
    await gone?.connection.close()
  }

  return {
    user,
    async ask(method, params, sent = params) {
      const own = await ready()
      if (!own) return undefined
      const answer = await recorded({ device: own.device, method, params }, async () => {
        const { trackers } = own
        const outcome: Outcome<unknown> = await (isList(method)
          ? askAll(trackers, method, sent as never)
          : trackers.ask(method, sent as never))
        return { outcome, id: own.tapped.lastId, seq: own.tapped.lastSeq }
      })
      if (answer.kind === 'refused' && answer.code === 'not-logged-in') await forget()
      if (method === 'device.logout' && answer.kind !== 'refused') await forget()
      return answer
    },
    async renew() {
      if (session) await this.ask('device.logout', {}, { credentialHash: session.credentialHash })
    },
    close: forget,
  }
}

interface Told {
  readonly outcome: Outcome<unknown>
  readonly id: string | undefined
  readonly seq: number | undefined
}

/** Of a request made without a tracker client: the answer is a reply, if there is any. */
function toldBy(answer: Outcome<TrackerReply>, id: string, { lastSeq: seq }: Tapped): Told {
  if (!answer.ok) return { outcome: answer, id, seq }
  const reply = answer.value
  return { outcome: reply.ok ? { ok: true, value: reply.result } : reply, id, seq }
}
