// share, unshare, files: what is on offer in a group. The agent reads and hashes; nothing is uploaded.

import { inNaturalOrder, parseFileName, parseId } from '../../domain/names.ts'
import { count, formatBytes, percentOf } from '../../domain/quantities.ts'
import { done } from '../../domain/refusal.ts'
import type { AgentProgress, AgentResult } from '../../wire/agent-api.ts'
import { isAgentRunning } from '../agent-running.ts'
import { askAgent, askTrackers, listAll } from '../ask.ts'
import { command, value } from '../command.ts'
import { absolutePath } from '../paths.ts'
import type { ProgressView } from '../render/display.ts'
import { bar } from '../render/live-lines.ts'
import { renderTable } from '../render/table.ts'
import type { Result } from '../result.ts'

const hashing: ProgressView<AgentProgress<'share'>> = {
  isStream: false,
  lines: ({ hashedBytes: done, size: total }) => [
    `hashing ${bar(total === 0 ? 1 : done / total)} ${percentOf({ done, total })} %  ${formatBytes(done)} of ${formatBytes(total)}`,
  ],
}

const share = command({
  words: 'share',
  summary: 'Offer a file to a group. It is hashed and stays where it is; no byte is uploaded.',
  example: 'share ./some-film.mkv reef',
  args: { path: 'a file of yours', group: 'a group that you are in' },
  options: { name: value('name', "The name that the group sees, if not the file's own.") },
  async run(context, input): Promise<Result<AgentResult<'share'>>> {
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
  words: 'unshare',
  summary: 'Stop offering a file to a group, from all your devices. Others who have it go on offering it.',
  example: 'unshare reef some-film.mkv',
  args: { group: 'the group', name: "the file's name there" },
  async run(context, input): Promise<Result<{ group: string; name: string }>> {
    const group = parseId('group', input.group)
    if (!group.ok) return group
    const name = parseFileName(input.name)
    if (!name.ok) return name
    const file = { group: group.value, name: name.value }
    // Without an agent there is nobody to stop serving it: the trackers' word is all.
    const answer = (await isAgentRunning(context.home))
      ? await askAgent(context, 'unshare', file)
      : await askTrackers(context, 'share.remove', { ...file, devices: 'all' })
    return answer.ok ? done(file) : answer
  },
  render: ({ group, name }) => `You do not share ${name} with ${group} any more.`,
})

const files = command({
  words: 'files',
  summary: 'What is shared in a group, and how many of its sharers are online.',
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
      ? 'Nothing is shared here yet. Share something: shoal share PATH GROUP'
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
