// One command from its parsed form to its exit code: hands it what it needs, waits for its end or for an interruption,
// and shows what came of it. Nothing a command throws gets past here.

import { refuse } from '../domain/refusal.ts'
import type { Command, Input } from './command.ts'
import type { Context, DeviceContext } from './context.ts'
import { createPasswords } from './passwords.ts'
import type { Display } from './render/display.ts'
import type { Failure, Result } from './result.ts'

export const exitCodes = { done: 0, refused: 1, usage: 2, unreachable: 3, interrupted: 130 } as const

export interface Order {
  readonly command: Command
  readonly input: Input
  readonly typedPassword?: string
  readonly isClassic: boolean
}

export async function runCommand(
  order: Order,
  device: DeviceContext,
  display: Display,
  signal: AbortSignal,
): Promise<number> {
  const { command, input, typedPassword, isClassic } = order
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

const typedPasswordRefused = ({ words }: Command) =>
  refuse(
    'usage',
    `a password on the command line can be read by everybody on this machine; shoal ${words} USER asks for it, or takes it from SHOAL_PASSWORD or --password-stdin`,
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

/** Ctrl-C at a hidden prompt, which takes the key for itself. */
const isPromptLeft = (error: unknown) => error instanceof Error && error.name === 'ExitPromptError'

/** What our own error classes say is meant for people; anything else is a fault of ours, or of the machine. */
function failureOf(error: unknown): Failure {
  if (!(error instanceof Error)) return { code: 'internal', message: String(error) }
  const { code } = error as { code?: unknown }
  if (typeof code === 'string' && /^[a-z-]+$/.test(code)) return { code, message: error.message }
  const words = process.env.SHOAL_DEBUG ? error.stack : `${error.message} (SHOAL_DEBUG=1 shows where)`
  return { code: 'internal', message: `something went wrong that should not: ${words}` }
}
