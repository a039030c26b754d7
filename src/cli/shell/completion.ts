// What the Tab key offers: commands under both names; then, by the name of the argument, groups, files of the group typed
// before, its members and requesters, downloads, and paths. Sends nothing while no one is logged in.

import { readdir } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { askAll } from '../../actors/client/ask-all.ts'
import type { TrackerClient } from '../../actors/client/tracker-client.ts'
import { classics } from '../classic-names.ts'
import type { Command } from '../command.ts'
import { commandNames } from '../command-names.ts'
import { absolutePath } from '../paths.ts'
import type { Complete } from './prompt.ts'
import { quoted, splitWords } from './split-words.ts'

/** Where candidates come from. */
export interface CompletionSources {
  /** Undefined while logged out, or while no broker is in reach. */
  trackers(): Promise<Pick<TrackerClient, 'ask'> | undefined>
  /** The numbers of this device's downloads. */
  downloads(): Promise<readonly number[]>
}

export function createCompletion(commands: readonly Command[], sources: CompletionSources): Complete {
  const spellings = [...commandNames(commands), 'help', 'exit']
  return async line => {
    const longer = spellings.filter(name => name.startsWith(line))
    const spelling = spellings.findLast(name => line.startsWith(`${name} `))
    // `limit ` is a command, and the beginning of others.
    if (spelling === undefined || longer.length > 0) return [finished(longer), line]
    const words = splitWords(line.slice(spelling.length))
    if (!words.ok) return [[], line]
    const isNewWord = /\s$/.test(line)
    const part = isNewWord ? '' : (words.value.at(-1) ?? '')
    const before = isNewWord ? words.value : words.value.slice(0, -1)
    const declared = commands.find(
      ({ name }) => name === (classics.find(classic => classic.name === spelling)?.stands ?? spelling),
    )
    const args = Object.keys(declared?.args ?? {})
    const found = await candidates(args[before.length], part, before[args.indexOf('group')], sources)
    const typed = isNewWord ? '' : (/\S+$/.exec(line)?.[0] ?? '')
    return [finished(found.filter(one => one.startsWith(part)).map(quoted)), typed]
  }
}

/** A single candidate is followed by a space, so that the next word can be typed; a folder is not, since its entries follow. */
const finished = (found: string[]): string[] =>
  found.length === 1 && !found[0]!.endsWith('/') ? [`${found[0]} `] : found

async function candidates(
  argument: string | undefined,
  part: string,
  group: string | undefined,
  sources: CompletionSources,
): Promise<string[]> {
  if (argument === undefined) return []
  if (argument === 'path' || argument === 'dest') return paths(part)
  if (argument === 'rate' || argument === 'most') return ['off']
  if (argument === 'id') return (await sources.downloads()).map(String)
  const trackers = await sources.trackers()
  if (!trackers) return []
  switch (argument) {
    case 'group': {
      const groups = await askAll(trackers, 'group.list', {})
      return groups.ok ? groups.value.map(one => one.group) : []
    }
    case 'name': {
      const files = group === undefined ? undefined : await askAll(trackers, 'group.files', { group })
      return files?.ok ? files.value.map(({ name }) => name) : []
    }
    case 'user': {
      if (group === undefined) return []
      const [requests, members] = await Promise.all([
        trackers.ask('group.requests', { group }),
        trackers.ask('group.members', { group }),
      ])
      return [requests, members].flatMap(answer => (answer.ok ? answer.value.map(({ user }) => user) : []))
    }
    default:
      return []
  }
}

async function paths(part: string): Promise<string[]> {
  const folder = part.endsWith('/') || part === '' ? part : `${dirname(part)}/`
  const shown = part.startsWith('./') || part.includes('/') ? folder : ''
  const start = part.endsWith('/') ? '' : basename(part)
  const entries = await readdir(absolutePath(folder || '.'), { withFileTypes: true })
  return entries
    .filter(({ name }) => name.startsWith(start) && (start !== '' || !name.startsWith('.')))
    .map(entry => join(shown, entry.name) + (entry.isDirectory() ? '/' : ''))
    .map(path => (part.startsWith('./') ? `./${path}` : path))
}
