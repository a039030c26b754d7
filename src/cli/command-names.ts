// The names of commands, and how far a line of typed words leads into them.

import { classics } from './classic-names.ts'
import type { Command } from './command.ts'

/** Every name of every command, the assignment's included. */
export function* commandNames(commands: readonly Command[]): Generator<string> {
  for (const { name } of commands) yield name
  for (const { name } of classics) yield name
}

/** Verbs that follow `noun`: "create", "list", … of "group". */
export const verbsOf = (noun: string, commands: readonly Command[]): string[] =>
  commands.flatMap(({ name }) => (name.startsWith(`${noun} `) ? [name.slice(noun.length + 1)] : []))

export interface NamedCommand {
  /** As much as names a noun or a command: "group" of `group invite reef`. */
  readonly known: string
  /** The word after it, where a verb or a command belongs and none is: "invite". */
  readonly unknown: string | undefined
}

export function readCommandName(words: readonly string[], commands: readonly Command[]): NamedCommand {
  const names = [...commandNames(commands)]
  const begins = (text: string) => names.some(name => `${name} `.startsWith(`${text} `))
  let known = ''
  for (const word of withoutOptions(words)) {
    const longer = known === '' ? word : `${known} ${word}`
    if (!begins(longer))
      return { known, unknown: known === '' || verbsOf(known, commands).length > 0 ? word : undefined }
    known = longer
  }
  return { known, unknown: undefined }
}

/** Options that may stand before a command and take a value. */
const optionsWithValue = ['--home', '--servers']

/** Whether that word is neither an option nor the value of one that may stand before a command. */
export const isArgument = (words: readonly string[], at: number): boolean =>
  !words[at]?.startsWith('-') && !optionsWithValue.includes(words[at - 1] ?? '')

function withoutOptions(words: readonly string[]): string[] {
  const end = words.indexOf('--')
  return words.slice(0, end < 0 ? words.length : end).filter((_, at) => isArgument(words, at))
}
