// Where this device's agent takes commands: a Unix socket in a folder that its owner alone may enter. Usually that is
// HOME/run. A socket's path is short, so a home whose path is long records a folder for temporary files in its place.

import { chmodSync, lstatSync, mkdirSync, mkdtempSync, type Stats } from 'node:fs'
import { tmpdir } from 'node:os'
import { isAbsolute, join } from 'node:path'
import { showable } from '../../domain/names.ts'
import type { Home } from './home.ts'

/** A folder or socket that another user of this machine made, or can reach. */
export class UnsafeSocket extends Error {
  override readonly name = 'UnsafeSocket'
  readonly code = 'untrusted'
}

type SocketHome = Pick<Home, 'folder' | 'socketFolder' | 'saveSocketFolder'>

/** `sun_path` less its end: 108 bytes by unix(7), 104 by <sys/un.h> of macOS and the BSDs. */
const mostPathBytes = process.platform === 'linux' ? 107 : 103

const socketIn = (folder: string) => join(folder, 'agent.sock')
const fits = (folder: string) => Buffer.byteLength(socketIn(folder)) <= mostPathBytes
const folderInHome = ({ folder }: SocketHome) => join(folder, 'run')

const lookAt = (path: string): Stats | undefined => lstatSync(path, { throwIfNoEntry: false })
const isOwn = ({ uid }: Stats) => uid === process.geteuid?.()
const isPrivate = (found: Stats) => found.isDirectory() && isOwn(found) && (found.mode & 0o077) === 0

/** For the agent, which is the only one of its home: the path to listen at. Makes its folder, and records it. */
export function placeSocket(home: SocketHome): string {
  const own = folderInHome(home)
  if (fits(own)) {
    mkdirSync(own, { recursive: true, mode: 0o700 })
    chmodSync(own, 0o700)
    return socketIn(own)
  }
  const before = home.socketFolder()
  const found = before === undefined ? undefined : lookAt(before)
  if (before !== undefined && found && isPrivate(found)) return socketIn(before)
  // mkdtemp makes a folder of mode 700 that was not there before, so no other user can prepare it.
  const fresh = mkdtempSync(join(folderForTemporaryFiles(), 'shoal-'))
  home.saveSocketFolder(fresh)
  return socketIn(fresh)
}

/** XDG_RUNTIME_DIR is private to its user, and is not swept while they are logged in. */
function folderForTemporaryFiles(): string {
  const candidates = [process.env.XDG_RUNTIME_DIR ?? '', tmpdir()]
  return candidates.find(each => isAbsolute(each) && fits(join(each, 'shoal-xxxxxx')) && lookAt(each)) ?? '/tmp'
}

/** For commands: undefined when there is no socket. Throws UnsafeSocket when it may not be this person's agent that listens. */
export function findSocket(home: SocketHome): string | undefined {
  const own = folderInHome(home)
  const folder = fits(own) ? own : home.socketFolder()
  const found = folder === undefined ? undefined : lookAt(folder)
  if (folder === undefined || !found) return undefined
  if (!isPrivate(found))
    throw new UnsafeSocket(
      `${showable(folder)}, where your agent takes commands, belongs to another user or is open to others; run shoal agent stop, remove that folder, then run shoal agent start`,
    )
  const path = socketIn(folder)
  const socket = lookAt(path)
  if (!socket) return undefined
  if (socket.isSocket() && isOwn(socket)) return path
  throw new UnsafeSocket(`${showable(path)} is not the socket of your agent; remove it, then run shoal agent start`)
}
