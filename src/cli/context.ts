// What a command works with. `DeviceContext` is the same for every command of a process; `Context` adds what one command
// has: its display, its passwords, and the signal that the person interrupted it.

import type { Home } from '../actors/device/home.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { Brokers } from './connect-as.ts'
import type { DeviceConnection } from './device-connection.ts'
import type { PasswordSources, Passwords } from './passwords.ts'
import type { Display } from './render/display.ts'

export interface DeviceContext extends Brokers {
  readonly home: Home
  readonly passwordSources: PasswordSources
  /** Asks a question; undefined where there is no terminal, and while a script gives the passwords. */
  readonly confirm?: ((question: string) => Promise<boolean>) | undefined
  /** The command was typed at our own prompt, where no other user of this machine can read it. */
  readonly isShell: boolean
  /** At the prompt: this command reports how the download ends, so no notification does. Call the result to undo that. */
  readonly muteDownload?: (download: number) => () => void
  /** The connection of the logged-in user, made at the first call. */
  connect(): Promise<Outcome<DeviceConnection>>
  /** Closes that connection: the log-in has changed, or the process ends. */
  disconnect(): Promise<void>
}

export interface Context extends DeviceContext {
  readonly display: Display
  readonly passwords: Passwords
  /** Aborted when the person interrupts this command. */
  readonly signal: AbortSignal
  /** What goes on after an interruption, as a message to the person. */
  leavesBehind: string | undefined
}
