// Whether a login to the brokers is genuine, as this tracker's projection has it. Before one is refused, the tracker catches
// up with the log's end; if the brokers do not answer, what it knows decides. Passwords are rate-limited (attempt-counts.ts)
// and queued (password-queue.ts); credentials, which cannot be guessed, are not.

import { timingSafeEqual } from 'node:crypto'
import { deviceTunables } from '../../../config/tracker.ts'
import { visualizerTunables } from '../../../config/visualizer.ts'
import { credentialHashOf, isExpired, passwordVersion } from '../../domain/account.ts'
import type { DeviceRef } from '../../domain/device-ref.ts'
import { originOf } from '../../domain/origin.ts'
import type { Login } from '../../storage/projection-queries.ts'
import type { BrokerLogin } from '../../wire/broker-login.ts'
import { ticketSecretsOf } from '../../wire/cluster-secrets.ts'
import { passwordSchema } from '../../wire/schemas.ts'
import { deviceTicketKey } from '../../wire/ticket.ts'
import { isWatchProof } from '../../wire/watch-login.ts'
import type { AuthRequest } from './auth-callout.ts'
import type { CatchUp } from './catch-up.ts'
import { isPassword } from './password.ts'
import type { ProvenLogin } from './permissions.ts'
import type { TrackerParts } from './tracker-parts.ts'

/** All guests share one target. */
const anyGuest = '.guest'

/** Whether a credential is the one whose SHA-256 is kept, in hex. */
export function isCredential(credentialHash: string | undefined, credential: string): boolean {
  const given = Buffer.from(credentialHashOf(credential), 'hex')
  const kept = Buffer.from(credentialHash ?? '', 'hex')
  return kept.length === given.length && timingSafeEqual(kept, given)
}

type Parts = Pick<TrackerParts, 'projection' | 'secrets' | 'online' | 'attempts' | 'hashing' | 'deviceUse'>

/** Undefined for a login that is not to be let in. */
export type ProveLogin = (login: BrokerLogin, question: AuthRequest) => Promise<ProvenLogin | undefined>

export function createLoginProof(
  { projection, secrets, online, attempts, hashing, deviceUse }: Parts,
  catchUp: Pick<CatchUp, 'toEnd'>,
): ProveLogin {
  /** Includes those of a rotation under way, so that watchers stay connected. */
  const ticketSecrets = ticketSecretsOf(secrets)
  const isProof = (login: Parameters<typeof isWatchProof>[0], keyOf: (ticketSecret: Buffer) => Buffer) =>
    ticketSecrets.some(secret =>
      isWatchProof(
        login,
        keyOf(secret),
        Date.now(),
        visualizerTunables.watchLoginMs + visualizerTunables.clocksApartMs,
      ),
    )

  /** The version of the password, if it is right; false if it is wrong; undefined if it was not checked. */
  async function check(user: string, password: string, origin: string): Promise<string | false | undefined> {
    return hashing.run(origin, async () => {
      const passwordHash = projection.passwordHash(user)
      const isRight = await isPassword(passwordHash, password)
      return isRight && passwordHash !== undefined && passwordVersion(passwordHash)
    })
  }

  async function versionOf(user: string, password: string, host: string): Promise<string | undefined> {
    if (!passwordSchema.safeParse(password).success) return undefined
    const origin = originOf(host)
    const attempt = { origin, target: user, isKnown: online.isAt(user, origin) }
    if (attempts.guesses.begin(attempt) > 0) return undefined
    const known = projection.passwordHash(user)
    let version = known === undefined ? false : await check(user, password, origin)
    if (version === false) {
      await catchUp.toEnd()
      // A user who is unknown takes as long as one who is known.
      if (known === undefined || projection.passwordHash(user) !== known) version = await check(user, password, origin)
    }
    // It was right, or never checked.
    if (version !== false) attempts.guesses.giveBack(attempt)
    return version || undefined
  }

  /** Undefined unless the device is logged in and was used lately: by the slower clock, so that a fast one expires nothing. */
  function validLogin(device: DeviceRef, { askedAt }: AuthRequest): Login | undefined {
    const login = projection.loginOf(device)
    const now = Math.min(Date.now(), askedAt * 1000)
    return login && isExpired(login, now, deviceTunables.expiresAfterMs) ? undefined : login
  }

  /** Before a login is refused, this tracker catches up. */
  const knownOnce = async (isKnown: () => boolean): Promise<boolean> => isKnown() || catchUp.toEnd().then(isKnown)

  return async function prove(login: BrokerLogin, question: AuthRequest): Promise<ProvenLogin | undefined> {
    const { host } = question
    switch (login.kind) {
      case 'guest': {
        const visit = { origin: originOf(host), target: anyGuest, isKnown: false }
        return attempts.visits.begin(visit) === 0 ? login : undefined
      }
      case 'password': {
        const { kind, user, password } = login
        const version = await versionOf(user, password, host)
        return version === undefined ? undefined : { kind, user, version }
      }
      case 'device':
      case 'relay': {
        const isKnown = () => isCredential(validLogin(login, question)?.credentialHash, login.credential)
        if (!(await knownOnce(isKnown))) return undefined
        if (!projection.loginOf(login)?.isDisabled) {
          deviceUse.note(login)
          return login
        }
        return login.kind === 'device' ? { kind: 'disabled', user: login.user, device: login.device } : undefined
      }
      case 'watch': {
        const isKnown = () => {
          const known = validLogin(login, question)
          if (!known || known.isDisabled) return false
          return isProof(login, secret => deviceTicketKey(secret, login, known.credentialHash))
        }
        return (await knownOnce(isKnown)) ? login : undefined
      }
      case 'operator':
        return isProof(login, secret => secret) ? login : undefined
    }
  }
}
