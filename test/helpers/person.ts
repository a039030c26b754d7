// A user with an account, logged in on a device, as trackers and brokers see them: without an agent or a home.

import { randomBytes, randomUUID } from 'node:crypto'
import type { ExecutionContext } from 'ava'
import type { NatsConnection } from 'nats'
import { askAccount } from '../../src/actors/client/account-client.ts'
import { connectBroker } from '../../src/actors/client/broker-connection.ts'
import type { Trust } from '../../src/actors/client/broker-trust.ts'
import { askPersistently, createTrackerClient, type TrackerClient } from '../../src/actors/client/tracker-client.ts'
import { credentialHashOf } from '../../src/domain/account.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import { type AccountMethod, type AccountParams, passwordVersionResultSchema } from '../../src/wire/account-api.ts'
import { guestInboxPrefix, inboxPrefix, passwordVersionSubject, signUpSubject } from '../../src/wire/subjects.ts'
import type { TrackerReply } from '../../src/wire/tracker-api.ts'
import { granted } from './granted.ts'

export interface Person {
  readonly user: string
  readonly device: string
  readonly credential: string
  readonly connection: NatsConnection
  readonly trackers: TrackerClient
}

export const passwordOf = (user: string): string => `the password of ${user}`

export async function signUp(
  servers: readonly string[],
  user: string,
  password = passwordOf(user),
  trust?: Trust,
): Promise<Outcome<TrackerReply>> {
  const nonce = randomBytes(16).toString('hex')
  const guest = await connectBroker(servers, { kind: 'guest', nonce }, 'test', trust)
  try {
    const request = { id: randomUUID(), user, password }
    return await askPersistently(guest, guestInboxPrefix(nonce), signUpSubject(guest.info?.client_ip ?? ''), request)
  } finally {
    await guest.close()
  }
}

/** The credential of a fresh device, traded for the password; throws what connectBroker throws. */
export async function logIn(servers: readonly string[], user: string, password = passwordOf(user), trust?: Trust) {
  const connection = await connectBroker(servers, { kind: 'password', user, password }, 'test', trust)
  try {
    const device = randomBytes(6).toString('hex')
    const credential = randomBytes(32).toString('base64url')
    const credentialHash = credentialHashOf(credential)
    const answer = await askAccount(connection, { user, device }, 'log-in', { name: 'test', credentialHash })
    if (!answer.ok) throw new Error(`${user} cannot log in: ${JSON.stringify(answer)}`)
    return { device, credential }
  } finally {
    await connection.close()
  }
}

/** Decides about an account as a person does who types the password; throws what connectBroker throws. */
export async function byPassword<M extends AccountMethod>(
  servers: readonly string[],
  { user, device }: { user: string; device: string },
  method: M,
  params: AccountParams<M>,
  password = passwordOf(user),
) {
  const connection = await connectBroker(servers, { kind: 'password', user, password }, 'test')
  try {
    return await askAccount(connection, { user, device }, method, params)
  } finally {
    await connection.close()
  }
}

export async function passwordVersionOf(servers: readonly string[], user: string): Promise<string> {
  const connection = await connectBroker(servers, { kind: 'password', user, password: passwordOf(user) }, 'test')
  try {
    const subject = passwordVersionSubject(user, connection.info?.client_ip ?? '')
    const answer = await askPersistently(connection, inboxPrefix(user), subject, { id: randomUUID() })
    if (!answer.ok || !answer.value.ok) throw new Error(`no version of the password: ${JSON.stringify(answer)}`)
    return passwordVersionResultSchema.parse(answer.value.result).version
  } finally {
    await connection.close()
  }
}

/** Logs an existing user in on another device. */
export async function onDevice(t: ExecutionContext, servers: readonly string[], user: string): Promise<Person> {
  const { device, credential } = await logIn(servers, user)
  const connection = await connectBroker(servers, { kind: 'device', user, device, credential }, 'test')
  t.teardown(() => connection.close())
  return { user, device, credential, connection, trackers: createTrackerClient(connection, { user, device }) }
}

/** As the device does by itself. */
export const logOut = ({ trackers, credential }: Pick<Person, 'trackers' | 'credential'>) =>
  trackers.ask('device.logout', { credentialHash: credentialHashOf(credential) })

export async function person(t: ExecutionContext, servers: readonly string[], user: string): Promise<Person> {
  const answer = await signUp(servers, user)
  if (!answer.ok || !answer.value.ok) throw new Error(`${user} cannot sign up: ${JSON.stringify(answer)}`)
  return onDevice(t, servers, user)
}

/** Asks to join and is accepted; both have seen it. */
export async function admit(owner: Person, group: string, member: Person): Promise<void> {
  member.trackers.advance(owner.trackers.seen)
  granted(await member.trackers.ask('group.join', { group }))
  owner.trackers.advance(member.trackers.seen)
  granted(await owner.trackers.ask('group.accept', { group, user: member.user }))
  member.trackers.advance(owner.trackers.seen)
}
