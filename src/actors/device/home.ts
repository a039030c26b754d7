// A device's folder (SHOAL_HOME): the device's id, its session, the brokers it knows, the log position it has seen, and where
// its agent listens. Small files, each replaced whole and readable by their owner alone, shared by the agent and the
// command line. The library beside them belongs to the agent (storage/library.ts).

import { createHash, randomBytes } from 'node:crypto'
import {
  accessSync,
  constants,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs'
import { join } from 'node:path'
import * as z from 'zod'
import { isLater, type LogPosition } from '../../domain/log-position.ts'
import { showable } from '../../domain/names.ts'
import { again } from '../../storage/interruption.ts'
import { readJson } from '../../wire/json.ts'
import { deviceSchema, idSchema, sequenceSchema } from '../../wire/schemas.ts'
import type { Trust } from '../client/broker-trust.ts'

const sessionSchema = z.strictObject({
  user: idSchema,
  device: deviceSchema,
  /** 256 random bits, base64url: this device's password at the brokers. */
  credential: z.string().length(43),
})
export type Session = z.infer<typeof sessionSchema>

const positionSchema = z.strictObject({ epoch: sequenceSchema, seq: sequenceSchema })

/** A file of this folder cannot be read or written now. That says nothing about its content. */
export class HomeFailed extends Error {
  override readonly name = 'HomeFailed'
  readonly code = 'home-failed'
}

/** A file for each, so that processes which add and remove them do not undo each other's changes. */
const owedPrefix = 'owed-logout-'
const owedName = ({ credential }: Session) =>
  `${owedPrefix}${createHash('sha256').update(credential).digest('hex').slice(0, 16)}.json`

/** Each function throws HomeFailed when the disk fails it. */
export interface Home {
  readonly folder: string
  /** Chosen at the first call and never changed: a home is one device, even when the user changes. */
  device(): string
  /** Undefined when logged out. */
  session(): Session | undefined
  saveSession(session: Session): void
  clearSession(): void
  /** Log-ins that are over here, and that the trackers have still to be told of (client/owed-logouts.ts). */
  owedLogouts(): Session[]
  /** Logs out here, and owes the trackers that: one renaming, so it works on a full disk, and a kill leaves no half of it. */
  endSession(session: Session): void
  settleLogout(session: Session): void
  /** Highest log sequence that any process of this device has seen. */
  seen(): number
  /** The same with its epoch, read together: another process may write both meanwhile. */
  position(): LogPosition
  saveSeen(seq: number, epoch?: number): void
  /** At a log-in: another cluster's log counts from its own start. */
  forgetSeen(): void
  /** Brokers learned of at the last connection, besides those that the person names. */
  servers(): string[]
  saveServers(servers: readonly string[]): void
  /** The authority of the brokers that this device trusts (client/broker-trust.ts). */
  readonly trust: Trust
  /** HOST:PORT where peers connect to its agent, as last set; undefined: any free port of every interface. */
  listen(): string | undefined
  saveListen(listen: string): void
  /** The agent's process id as it recorded it; it may have ended since. */
  agentPid(): number | undefined
  saveAgentPid(pid: number | undefined): void
  /** Where the agent's socket is when this folder's path is too long for it (agent-socket.ts). */
  socketFolder(): string | undefined
  saveSocketFolder(folder: string | undefined): void
  readonly sessionFile: string
  readonly libraryFile: string
  readonly agentLog: string
}

/** Opens the folder, making it (mode 700) when it is not there. Throws what the file system throws. */
export function openHome(folder: string): Home {
  mkdirSync(folder, { recursive: true, mode: 0o700 })
  // Another user's folder is unreadable, which must not be mistaken for being logged out.
  accessSync(folder, constants.R_OK | constants.X_OK)
  const path = (name: string) => join(folder, name)

  const read = <T>(name: string, schema: z.ZodType<T>): T | undefined => {
    const text = attempt(name, () => readIfThere(path(name)))
    return text === undefined ? undefined : readJson(text, schema)
  }
  const write = (name: string, value: unknown) => {
    const fresh = path(`.${name}.${process.pid}`)
    attempt(name, () => {
      try {
        writeFileSync(fresh, `${JSON.stringify(value)}\n`, { mode: 0o600 })
        renameSync(fresh, path(name))
      } catch (error) {
        rmSync(fresh, { force: true })
        throw error
      }
    })
  }
  const attempt = <T>(name: string, action: () => T): T => {
    try {
      return action()
    } catch (cause) {
      const { code } = cause as NodeJS.ErrnoException
      const why = code === 'ENOSPC' || code === 'EDQUOT' ? 'its disk is full; make room, then try again' : String(code)
      throw new HomeFailed(`${showable(path(name))} cannot be read or written: ${why}`, { cause })
    }
  }
  const position = (): LogPosition => read('seen.json', positionSchema) ?? { epoch: 0, seq: 0 }
  const remove = (name: string) => attempt(name, () => rmSync(path(name), { force: true }))

  return {
    folder,
    device() {
      const known = read('device.json', deviceSchema)
      if (known) return known
      const device = randomBytes(6).toString('hex')
      write('device.json', device)
      return device
    },
    session: () => read('session.json', sessionSchema),
    saveSession: session => write('session.json', session),
    clearSession: () => remove('session.json'),
    owedLogouts: () =>
      attempt('', () => readdirSync(folder))
        .filter(name => name.startsWith(owedPrefix))
        .flatMap(name => read(name, sessionSchema) ?? []),
    endSession: session =>
      attempt('session.json', () => {
        try {
          renameSync(path('session.json'), path(owedName(session)))
        } catch (error) {
          // Another process has ended it.
          if (!isMissing(error)) throw error
        }
      }),
    settleLogout: session => remove(owedName(session)),
    seen: () => position().seq,
    position,
    saveSeen(seq, epoch = position().epoch) {
      const known = position()
      if (isLater({ epoch, seq }, known) || epoch > known.epoch) write('seen.json', { epoch, seq })
    },
    forgetSeen: () => remove('seen.json'),
    servers: () => read('servers.json', z.array(z.string().max(300)).max(100)) ?? [],
    saveServers: servers => write('servers.json', servers),
    trust: {
      authority() {
        const known = read('authority.json', z.string().max(10_000))
        // A damaged file must not lead to trusting another authority.
        if (known !== undefined || !existsSync(path('authority.json'))) return known
        const file = showable(path('authority.json'))
        throw new HomeFailed(`${file} is damaged: remove it, then run shoal trust FINGERPRINT`)
      },
      follow: authority => write('authority.json', authority),
    },
    listen: () =>
      read(
        'listen.json',
        z
          .string()
          .max(300)
          .regex(/^.+:\d{1,5}$/),
      ),
    saveListen: listen => write('listen.json', listen),
    agentPid: () => read('agent.json', z.number().int().positive()),
    saveAgentPid: pid => (pid === undefined ? remove('agent.json') : write('agent.json', pid)),
    socketFolder: () => read('socket.json', z.string().max(4096)),
    saveSocketFolder: folder => (folder === undefined ? remove('socket.json') : write('socket.json', folder)),
    sessionFile: path('session.json'),
    libraryFile: path('library.db'),
    agentLog: path('agent.log'),
  }
}

const isMissing = (error: unknown) => (error as NodeJS.ErrnoException).code === 'ENOENT'

function readIfThere(file: string): string | undefined {
  try {
    return again(() => readFileSync(file, 'utf8'))
  } catch (error) {
    if (isMissing(error)) return undefined
    throw error
  }
}
