// Runs one parsed command: gives it its context, waits for its end or an interruption, shows the result, and returns the
// exit code. Never throws.

import { refuse } from '../domain/refusal.ts'
import type { Command, Input } from './command.ts'
import type { Context, DeviceContext } from './context.ts'
import { createPasswords } from './passwords.ts'
import type { Display } from './render/display.ts'
import type { Failure, Result } from './result.ts'

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3, interrupted: 130 } as const

/** A command as it was typed. */
export interface Invocation {
  readonly command: Command
  readonly input: Input
  readonly typedPassword?: string
  readonly isClassic: boolean
}

export async function runCommand(
  invocation: Invocation,
  device: DeviceContext,
  display: Display,
  signal: AbortSignal,
): Promise<number> {
  const { command, input, typedPassword, isClassic } = invocation
  const mayTypePassword = device.isShell && isClassic
  if (typedPassword !== undefined && !mayTypePassword) {
    display.failure(typedPasswordRefused(command))
    return exitCodes.usage
  }
  const context: Context = {
    ...device,
    display,
    passwords: createPasswords({ ...device.passwordSources, typed: typedPassword }),
    signal,
    leavesBehind: undefined,
  }
  const interrupted = Symbol('interrupted')
  const interruption = new Promise<typeof interrupted>(resolve => {
    signal.addEventListener('abort', () => resolve(interrupted), { once: true })
  })
  try {
    const result = await Promise.race([command.run(context, input), interruption])
    if (result === interrupted || signal.aborted) return showInterruption(context)
    return show(command, result, display)
  } catch (error) {
    if (signal.aborted || isPromptLeft(error)) return showInterruption(context)
    const failure = failureOf(error)
    display.failure(failure)
    return exitCodeOf(failure.code)
  }
}

const typedPasswordRefused = ({ name }: Command) =>
  refuse(
    'usage',
    `other users of this machine can read a password on the command line; leave it out, and shoal ${name} USER asks for it (or set SHOAL_PASSWORD, or use --password-stdin)`,
  )

function show(command: Command, result: Result<unknown>, display: Display): number {
  if (result.ok) {
    display.result(result.value, (value, style) => command.render(value, style))
    return exitCodes.done
  }
  display.failure(result)
  return exitCodeOf(result.code)
}

export function exitCodeOf(code: string): number {
  if (code === 'usage') return exitCodes.usage
  if (code === 'interrupted') return exitCodes.interrupted
  return code === 'unreachable' ? exitCodes.unreachable : exitCodes.refused
}

function showInterruption({ display, leavesBehind }: Context): number {
  display.failure({ code: 'interrupted', message: leavesBehind ?? 'interrupted' })
  return exitCodes.interrupted
}

/** Ctrl-C at a hidden prompt, which handles the key itself. */
const isPromptLeft = (error: unknown) => error instanceof Error && error.name === 'ExitPromptError'

/** The messages of our own error classes are meant for people; any other error is a bug, or the machine's. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'internal', message: String(error) }
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[a-z-]+$/.test(code)) return { code, message: error.message }
  const details = process.env.SHOAL_DEBUG ? error.stack : `${error.message} (SHOAL_DEBUG=1 shows where)`
  return { code: 'internal', message: `something went wrong that should not: ${details}` }
}
