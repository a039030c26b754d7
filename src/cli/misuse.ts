// Commander's complaint about a command line in our form: what is wrong, then which help to read.

import type { CommanderError } from 'commander'
import type { Command } from './command.ts'
import { readCommandName, verbsOf } from './command-names.ts'

export interface Misuse {
  readonly kind: 'misuse'
  readonly code: 'usage'
  readonly message: string
}

export function misuse(message: string): Misuse {
  return { kind: 'misuse', code: 'usage', message }
}

export function misuseOf(error: CommanderError, words: readonly string[], commands: readonly Command[]): Misuse {
  const { known, unknown } = readCommandName(words, commands)
  const verbs = known === '' ? [] : verbsOf(known, commands)
  return misuse(`${complaintOf(error, known, unknown, verbs)}; see ${helpOn(known)}`)
}

/** Undefined where these words name a command or a noun: then the help that was asked for is its own. */
export function unknownCommand(words: readonly string[], commands: readonly Command[]): Misuse | undefined {
  const { known, unknown } = readCommandName(words, commands)
  if (unknown === undefined) return undefined
  return misuse(`${unknownAmong(known, unknown, verbsOf(known, commands))}; see ${helpOn(known)}`)
}

const helpOn = (known: string) => (known === '' ? 'shoal --help' : `shoal ${known} --help`)

const unknownAmong = (known: string, word: string, verbs: readonly string[]) =>
  `unknown command '${word}'${known === '' ? '' : `; ${known} takes ${verbs.join(', ')}`}`

function complaintOf(
  { code, message }: CommanderError,
  known: string,
  unknown: string | undefined,
  verbs: readonly string[],
): string {
  if (code === 'commander.help')
    return known === '' ? 'name a command' : `name a command of ${known}: ${verbs.join(', ')}`
  // A noun that is a command by itself takes any other word for an argument too many.
  const isUnknown = code === 'commander.excessArguments' || code === 'commander.unknownCommand'
  if (isUnknown && unknown !== undefined && !message.includes('Did you mean'))
    return unknownAmong(known, unknown, verbs)
  const complaint = message
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/\.$/, '')
  // One dash may begin a name; two hardly do.
  return code === 'commander.unknownOption' && /'-[^-]/.test(complaint)
    ? `${complaint} (put -- before a name that begins with -)`
    : complaint
}
