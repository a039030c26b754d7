// What a command works with: the device's home, the brokers to try, a connection in the person's name when it needs one,
// a way to ask for a password, the display, and the signal that it was interrupted. One each command; the connection
// outlives it in a shell.

import type { Home } from '../actors/home.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { DeviceLink } from './connections.ts'
import type { Passwords } from './password.ts'
import type { Display } from './render/display.ts'

export interface Context {
  readonly home: Home
  /** The brokers to try, best first. */
  readonly servers: readonly string[]
  readonly display: Display
  readonly passwords: Passwords
  /** Aborted when the person interrupts this command. */
  readonly signal: AbortSignal
  /** What goes on when this command is interrupted, to be told to the person. */
  leavesBehind: string | undefined
  /** The connection of whoever is logged in on this device; made at the first call. */
  connect(): Promise<Outcome<DeviceLink>>
  /** Lets go of that connection: the log-in has changed. */
  disconnect(): Promise<void>
}
