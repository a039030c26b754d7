// From words to a command and its input, or to help, or to a usage error; runs nothing. Commander is set up anew for each
// line from the declarations and the classic names: one source for parsing, help and completion.

import { Command as Commander, CommanderError, Option } from 'commander'
import { version } from '../cluster/version.ts'
import { type Classic, classics } from './classic-names.ts'
import type { Command, Input } from './command.ts'
import { isArgument } from './command-names.ts'
import { helpEnd, helpIntroduction, nounSummaries } from './help-text.ts'
import { type Misuse, misuseOf, unknownCommand } from './misuse.ts'

export interface Globals {
  readonly home?: string
  readonly servers?: string
  readonly json?: boolean
  readonly passwordStdin?: boolean
}

export interface ParsedCommand {
  readonly kind: 'command'
  readonly command: Command
  readonly input: Input
  readonly globals: Globals
  /** Typed after the user id; the runner decides whether that is allowed. */
  readonly typedPassword?: string
  /** Typed under the assignment's name. */
  readonly isClassic: boolean
}

/** `--version` and `--help`; with --json a document with one key, `about`. */
export interface ParsedText {
  readonly kind: 'text'
  readonly about: 'version' | 'help'
  readonly text: string
}

export type Parsed = ParsedCommand | ParsedText | Misuse

/** `line` is what was typed in the shell, or a process's arguments. */
export function parse(line: readonly string[], commands: readonly Command[]): Parsed {
  // The shell takes our own advice as it is printed: run shoal login USER.
  const words = helpLast(fingerprintLast(line[0] === 'shoal' ? line.slice(1) : line))
  let text = ''
  let parsed: ParsedCommand | undefined
  const root = createRoot(part => {
    text += part
  })
  const onCommand = (command: ParsedCommand) => {
    parsed = command
  }
  for (const declared of commands) addCommand(root, declared, onCommand)
  for (const classic of classics) {
    const declared = commands.find(({ name }) => name === classic.stands)
    if (declared) addCommand(root, declared, onCommand, classic)
  }
  try {
    root.parse(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode !== 0) return misuseOf(error, words, commands)
    if (error.code === 'commander.version') return { kind: 'text', about: 'version', text: text.trimEnd() }
    // Commander shows the help of the last command that it knows.
    return unknownCommand(words, commands) ?? { kind: 'text', about: 'help', text: text.trimEnd() }
  }
  if (!parsed) throw new Error(`bug: no command took the words ${words.join(' ')}`)
  return parsed
}

function createRoot(write: (text: string) => void): Commander {
  return (
    new Commander('shoal')
      .description(helpIntroduction)
      .version(version, '--version', 'Print the version.')
      .helpOption('--help', 'Show help.')
      .helpCommand('help [command]', 'Show help for a command.')
      .option('--home <dir>', "This device's folder (SHOAL_HOME, else ~/.shoal). Two homes are two devices.")
      .option('--servers <urls>', 'Brokers, separated by commas (SHOAL_SERVERS, else nats://127.0.0.1:4222).')
      .option('--json', 'Print JSON for scripts.')
      .option('--password-stdin', 'Read the password from standard input (passwd: the new one from its second line).')
      // Commander also writes help to standard error, unasked; the usage error says more.
      .configureOutput({ writeOut: write, writeErr: () => {}, outputError: () => {} })
      .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
      .addHelpText('after', helpEnd)
      .exitOverride()
  )
}

function addCommand(
  root: Commander,
  declared: Command,
  onCommand: (parsed: ParsedCommand) => void,
  classic?: Classic,
): void {
  const name = classic?.name ?? declared.name
  const leaf = childOf(root, name.split(' '), classic !== undefined)
  leaf.description(`${declared.summary}\n\n  shoal ${declared.example}`).summary(declared.summary)
  for (const [argument, about] of Object.entries(declared.args))
    leaf.argument(argument.endsWith('?') ? `[${argument.slice(0, -1)}]` : `<${argument}>`, about)
  leaf.allowExcessArguments(declared.takesPassword)
  for (const [option, { kind, about, ...value }] of Object.entries(declared.options))
    leaf.addOption(new Option('placeholder' in value ? `--${option} <${value.placeholder}>` : `--${option}`, about))
  leaf.action(() => {
    const argumentNames = Object.keys(declared.args)
    const [typedPassword, ...more] = leaf.args.slice(argumentNames.length)
    if (more.length > 0) leaf.error(`error: too many arguments for '${name}'`)
    const input = inputOf(declared, leaf)
    onCommand({
      kind: 'command',
      command: declared,
      input: classic?.reorder?.(input) ?? input,
      globals: root.opts(),
      ...(typedPassword === undefined ? {} : { typedPassword }),
      isClassic: classic !== undefined || declared.name === 'login',
    })
  })
}

function inputOf(declared: Command, leaf: Commander): Input {
  const typed = leaf.opts()
  const options = Object.entries(declared.options).map(([name, { kind }]) => {
    // Commander's name for it: "log-out-others" is logOutOthers.
    const value = typed[new Option(`--${name}`).attributeName()]
    return [name, kind === 'flag' ? value === true : value]
  })
  const args = Object.keys(declared.args).map((name, index) => [name, leaf.args[index]])
  return Object.fromEntries([...args, ...options])
}

/** `help group create` shows what `group create --help` does. */
function helpLast(words: readonly string[]): readonly string[] {
  const at = words.findIndex((_, index) => isArgument(words, index))
  return words[at] === 'help' ? [...words.slice(0, at), ...words.slice(at + 1), '--help'] : words
}

/** One in 64 fingerprints begins with a dash, and people copy them as they are. */
function fingerprintLast(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word, index) => words[index - 1] === 'trust' && /^-[\w-]{42}$/.test(word))
  return at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 1), '--', words[at]!]
}

/** The command of those words below `root`; nouns on the way are added as they are met. */
function childOf(root: Commander, words: readonly string[], hidden: boolean): Commander {
  return words.reduce((parent, word, index) => {
    const existing = parent.commands.find(child => child.name() === word)
    if (existing) return existing
    const isNoun = index < words.length - 1
    return parent
      .command(word, { hidden })
      .helpOption('--help', 'Show help.')
      .description(isNoun ? (nounSummaries[words.slice(0, index + 1).join(' ')] ?? '') : '')
  }, root)
}
