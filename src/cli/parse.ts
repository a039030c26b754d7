// From words to a command and its input, or to help, or to a usage error; nothing is done here. Commander is built anew
// for each line, from the declarations and the classic names: one source for parsing, help and completion.

import { Command as Commander, CommanderError, Option } from 'commander'
import { version } from '../cluster/version.ts'
import { type Classic, classics } from './classic-names.ts'
import type { Command, Input } from './command.ts'
import type { Failure } from './result.ts'

export interface Globals {
  readonly home?: string
  readonly servers?: string
  readonly json?: boolean
  readonly passwordStdin?: boolean
}

export type Parsed =
  | {
      readonly kind: 'command'
      readonly command: Command
      readonly input: Input
      readonly globals: Globals
      /** Typed behind the user's name; the runner decides whether that is allowed. */
      readonly typedPassword?: string
      /** Spelled as in the assignment. */
      readonly isClassic: boolean
    }
  | { readonly kind: 'text'; readonly text: string }
  | ({ readonly kind: 'misuse'; readonly code: 'usage' } & Pick<Failure, 'message'>)

const nouns: Record<string, string> = {
  cluster: 'Brokers and trackers on this machine.',
  tracker: 'One tracker by itself.',
  agent: "This device's background client: it shares and downloads.",
  group: 'Groups, their members, and requests to join.',
}

const prologue = `Shoal shares files within private groups, in pieces, from all who have them.

  Once, on one machine   shoal cluster up
  Each person            shoal signup USER, then shoal login USER
  Groups                 shoal group create G | group join G | group accept G USER
  Files                  shoal share PATH G | files G | download G NAME DEST --wait`

const inLines = (names: readonly string[], perLine = 6) =>
  Array.from(
    { length: Math.ceil(names.length / perLine) },
    (_, line) => `  ${names.slice(line * perLine, (line + 1) * perLine).join(' ')}`,
  ).join('\n')

const epilogue = `
The assignment's names work too:
${inLines(classics.map(({ name }) => name))}
Environment: SHOAL_HOME, SHOAL_SERVERS, SHOAL_PASSWORD, NO_COLOR.`

/** `line` is what was typed in the shell, or a process's arguments. */
export function parse(line: readonly string[], commands: readonly Command[]): Parsed {
  // Our own advice, typed at our own prompt: run shoal login USER.
  const words = fingerprintLast(line[0] === 'shoal' ? line.slice(1) : line)
  let text = ''
  let parsed: Parsed | undefined
  const root = new Commander('shoal')
    .description(prologue)
    .version(version, '--version', 'Print the version.')
    .helpOption('--help', 'Show help.')
    .helpCommand('help [command]', 'Show help for a command.')
    .option('--home <dir>', "This device's folder (SHOAL_HOME, else ~/.shoal). Two homes are two devices.")
    .option('--servers <urls>', 'Brokers, separated by commas (SHOAL_SERVERS, else nats://127.0.0.1:4222).')
    .option('--json', 'Print JSON for scripts.')
    .option('--password-stdin', 'Read the password from standard input.')
    .configureOutput({
      writeOut: part => {
        text += part
      },
      // Also where commander writes help that nobody asked for; the usage error says more.
      writeErr: () => {},
      outputError: () => {},
    })
    .configureHelp({ showGlobalOptions: true, helpWidth: Math.min(process.stdout.columns ?? 100, 120) })
    .addHelpText('after', epilogue)
    .exitOverride()

  const add = (declared: Command, words: string, classic?: Classic) => {
    const leaf = childOf(root, words.split(' '), classic !== undefined)
    leaf.description(`${declared.summary}\n\n  shoal ${declared.example}`).summary(declared.summary)
    for (const [name, about] of Object.entries(declared.args))
      leaf.argument(name.endsWith('?') ? `[${name.slice(0, -1)}]` : `<${name}>`, about)
    leaf.allowExcessArguments(declared.takesPassword)
    for (const [name, option] of Object.entries(declared.options))
      leaf.addOption(
        new Option(option.kind === 'flag' ? `--${name}` : `--${name} <${option.placeholder}>`, option.about),
      )
    leaf.action(() => {
      const input: Input = {
        ...Object.fromEntries(Object.keys(declared.args).map((name, index) => [name, leaf.args[index]])),
        ...Object.fromEntries(
          Object.entries(declared.options).map(([name, option]) => [
            name,
            option.kind === 'flag' ? leaf.opts()[name] === true : leaf.opts()[name],
          ]),
        ),
      }
      const [typedPassword, ...more] = leaf.args.slice(Object.keys(declared.args).length)
      if (more.length > 0) leaf.error(`error: too many arguments for '${words}'`)
      parsed = {
        kind: 'command',
        command: declared,
        input: classic?.reorder?.(input) ?? input,
        globals: root.opts(),
        ...(typedPassword === undefined ? {} : { typedPassword }),
        isClassic: classic !== undefined || declared.words === 'login',
      }
    })
  }
  for (const declared of commands) add(declared, declared.words)
  for (const classic of classics) {
    const declared = commands.find(({ words }) => words === classic.stands)
    if (declared) add(declared, classic.name, classic)
  }

  try {
    root.parse(words, { from: 'user' })
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error
    if (error.exitCode === 0) return { kind: 'text', text: text.trimEnd() }
    return misuse(error, words, commands)
  }
  if (!parsed) throw new Error(`bug: no command took the words ${words.join(' ')}`)
  return parsed
}

/** One in 64 fingerprints begins with a dash, and people copy them as they are. */
function fingerprintLast(words: readonly string[]): readonly string[] {
  const at = words.findIndex((word, index) => words[index - 1] === 'trust' && /^-[\w-]{42}$/.test(word))
  return at < 0 ? words : [...words.slice(0, at), ...words.slice(at + 1), '--', words[at]!]
}

/** The command of those words below `root`; nouns on the way are made as they are met. */
function childOf(root: Commander, words: readonly string[], hidden: boolean): Commander {
  return words.reduce((parent, word, index) => {
    const existing = parent.commands.find(child => child.name() === word)
    if (existing) return existing
    const isNoun = index < words.length - 1
    return parent
      .command(word, { hidden })
      .helpOption('--help', 'Show help.')
      .description(isNoun ? (nouns[word] ?? '') : '')
  }, root)
}

/** Commander's complaint in our form, with what to read next. */
function misuse(error: CommanderError, words: readonly string[], commands: readonly Command[]): Parsed {
  const spoken = words.filter(word => !word.startsWith('-')).slice(0, 2)
  const known = [spoken.join(' '), spoken[0] ?? ''].find(
    candidate => candidate !== '' && [...names(commands)].some(name => `${name} `.startsWith(`${candidate} `)),
  )
  const help = known === undefined ? 'shoal --help' : `shoal ${known} --help`
  const complaint = complaintOf(error, known, spoken[1], known === undefined ? [] : verbsOf(known, commands))
  return { kind: 'misuse', code: 'usage', message: `${complaint}; see ${help}` }
}

function complaintOf({ code, message }: CommanderError, known = '', verb = '', verbs: readonly string[]): string {
  if (code === 'commander.help')
    return known === '' ? 'say what to do' : `say what to do with ${known}: ${verbs.join(', ')}`
  // A noun that means something by itself takes any other word for an argument too many.
  if (code === 'commander.excessArguments' && verbs.length > 0)
    return `unknown command '${verb}'; ${known} takes ${verbs.join(', ')}`
  const said = message
    .replace(/^error: /, '')
    .replaceAll(/\s+/g, ' ')
    .replace(/\.$/, '')
  return code === 'commander.unknownOption' ? `${said} (a name that begins with - goes behind --)` : said
}

const verbsOf = (noun: string, commands: readonly Command[]) =>
  commands.flatMap(({ words }) => (words.startsWith(`${noun} `) ? [words.slice(noun.length + 1)] : []))

/** Every spelling of every command. */
export function* names(commands: readonly Command[]): Generator<string> {
  for (const { words } of commands) yield words
  for (const { name } of classics) yield name
}
