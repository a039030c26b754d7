// What a command works with. A workplace is the device's home, the brokers to try and where passwords come from, the
// same for every command of a process; a context adds what one command has: its display, and the signal that the
// person interrupted it.

import type { Trust } from '../actors/client/broker-trust.ts'
import type { Home } from '../actors/device/home.ts'
import type { Outcome } from '../domain/refusal.ts'
import type { DeviceLink } from './connections.ts'
import type { PasswordSources, Passwords } from './password.ts'
import type { Display } from './render/display.ts'

export interface Workplace {
  readonly home: Home
  /** The brokers to try, best first. */
  readonly servers: readonly string[]
  /** Settles whom this device trusts at those brokers, at the first call. What leaves this machine needs it. */
  trust(): Promise<Outcome<Trust>>
  readonly passwordSources: PasswordSources
  /** Commands are typed at our own prompt, where nobody else reads them. */
  readonly isShell: boolean
  /** At the prompt: the command tells how this download ends, so the news need not. What is returned takes that back. */
  readonly leaveOutOfNews?: (download: number) => () => void
  /** The connection of whoever is logged in on this device; made at the first call. */
  connect(): Promise<Outcome<DeviceLink>>
  /** Lets go of that connection: the log-in has changed, or all is done. */
  disconnect(): Promise<void>
}

export interface Context extends Workplace {
  readonly display: Display
  readonly passwords: Passwords
  /** Aborted when the person interrupts this command. */
  readonly signal: AbortSignal
  /** What goes on when this command is interrupted, to be told to the person. */
  leavesBehind: string | undefined
}
