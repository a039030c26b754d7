// share, unshare, files: what a group shares. The agent reads and hashes; nothing is uploaded.

import { inNaturalOrder, parseFileName, parseId } from '../../domain/names.ts'
import { count, formatBytes, percentOf } from '../../domain/quantities.ts'
import { done, refuse } from '../../domain/refusal.ts'
import type { AgentProgress, AgentResult } from '../../wire/agent-api.ts'
import { isAgentRunning } from '../agent-running.ts'
import { askAgent, askTrackers, listAll } from '../ask.ts'
import { command, value } from '../command.ts'
import { hintGroupFirst } from '../hint-group-first.ts'
import { isPathSecond } from '../is-path-second.ts'
import { absolutePath } from '../paths.ts'
import type { ProgressView } from '../render/display.ts'
import { bar } from '../render/live-lines.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'
import { quoted } from '../shell/split-words.ts'

const hashing: ProgressView<AgentProgress<'share'>> = {
  isStream: false,
  lines: ({ hashedBytes: done, size: total }) => [
    `hashing ${bar(total === 0 ? 1 : done / total)} ${percentOf({ done, total })} %  ${formatBytes(done)} of ${formatBytes(total)}`,
  ],
}

const share = command({
  name: 'share',
  summary: 'Share a file with a group. The file is hashed and stays where it is; nothing is uploaded.',
  example: 'share ./some-film.mkv reef',
  args: { path: 'the path of a file', group: 'a group that you are in' },
  options: { name: value('name', "The name that the group sees (default: the file's own).") },
  async run(context, input): Promise<Result<AgentResult<'share'>>> {
    if (isPathSecond(input.path, input.group))
      return refuse(
        'usage',
        `the path comes first, then the group: shoal share ${quoted(input.group)} ${quoted(input.path)}`,
      )
    const group = parseId('group', input.group)
    if (!group.ok) return group
    const name = input.name === undefined ? done(undefined) : parseFileName(input.name)
    if (!name.ok) return name
    return askAgent(
      context,
      'share',
      { path: absolutePath(input.path), group: group.value, ...(name.value === undefined ? {} : { name: name.value }) },
      item => context.display.progress(item, hashing),
    )
  },
  render: ({ group, name, size, pieces }) =>
    `Shared ${name} with ${group}: ${formatBytes(size)} in ${count(pieces, 'piece')}.`,
})

const unshare = command({
  name: 'unshare',
  summary: 'Stop sharing a file with a group, on all your devices. Members who have it go on sharing it.',
  example: 'unshare reef some-film.mkv',
  args: { group: 'the group', name: "the file's name in the group" },
  async run(context, input): Promise<Result<{ group: string; name: string }>> {
    const group = parseId('group', input.group)
    if (!group.ok) return hintGroupFirst(context, group, { name: 'unshare', group: input.group, other: input.name })
    const name = parseFileName(input.name)
    if (!name.ok) return name
    const file = { group: group.value, name: name.value }
    // With no agent running, nothing serves the file: only the trackers have to know.
    const answer = (await isAgentRunning(context.home))
      ? await askAgent(context, 'unshare', file)
      : await askTrackers(context, 'share.remove', { ...file, devices: 'all' })
    if (answer.ok) return done(file)
    return hintGroupFirst(context, answer, { name: 'unshare', group: input.group, other: input.name })
  },
  render: ({ group, name }) => `You no longer share ${name} with ${group}.`,
})

const files = command({
  name: 'files',
  summary: 'List what is shared in a group, and how many sharers are online.',
  example: 'files reef',
  args: { group: 'a group that you are in' },
  async run(context, input) {
    const group = parseId('group', input.group)
    if (!group.ok) return group
    const files = await listAll(context, 'group.files', { group: group.value })
    return files.ok ? done(files.value.toSorted((a, b) => inNaturalOrder(a.name, b.name))) : files
  },
  render: (files, style) =>
    files.length === 0
      ? 'Nothing is shared in this group yet. Share a file: shoal share PATH GROUP'
      : renderTable<(typeof files)[number]>(
          [
            { head: 'NAME', cell: ({ name }) => name },
            { head: 'SIZE', align: 'right', cell: ({ size }) => formatBytes(size) },
            { head: 'PIECES', align: 'right', cell: ({ pieces }) => pieces },
            { head: 'ONLINE', align: 'right', cell: ({ online }) => (online === 0 ? style('yellow', 'none') : online) },
            { head: 'SHARERS', cell: ({ sharers }) => sharers.join(', ') },
          ],
          files,
          style,
        ),
})

export const shareCommands = [share, unshare, files]
