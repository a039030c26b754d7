// download, downloads, pause, resume, cancel. The agent does the work: a command that waits can be interrupted, and the
// download goes on.

import { parseFileName, parseId } from '../../domain/names.ts'
import { formatBytes, formatDuration, formatRate } from '../../domain/quantities.ts'
import { done, type Outcome, type Refusal, refuse } from '../../domain/refusal.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import { askAgent } from '../ask.ts'
import { command, flag } from '../command.ts'
import type { Context } from '../context.ts'
import { hintGroupFirst } from '../hint-group-first.ts'
import { parseDestination } from '../paths.ts'
import {
  allDownloads,
  type DownloadDocument,
  delivered,
  downloadDocument,
  downloadLine,
  downloadRow,
  noDownloads,
  oneDownload,
} from '../render/downloads.ts'
import type { Result } from '../result.ts'

const download = command({
  name: 'download',
  summary: 'Download a file in the background, from every member who has it. Waits while none of them is online.',
  example: 'download reef some-film.mkv ~/films --wait',
  args: { group: 'the group', name: "the file's name in the group", dest: 'a folder, or a path for the file' },
  options: {
    wait: flag('Show progress, and return when the download ends. If you interrupt this, the download goes on.'),
    overwrite: flag('Replace an existing file.'),
  },
  async run(context, input): Promise<Result<DownloadDocument>> {
    const hinted = (failure: Refusal) =>
      hintGroupFirst<DownloadDocument>(context, failure, {
        name: 'download',
        group: input.group,
        other: input.name,
        rest: [input.dest],
      })
    const group = parseId('group', input.group)
    if (!group.ok) return hinted(group)
    const name = parseFileName(input.name)
    if (!name.ok) return name
    const destination = parseDestination(input.dest)
    if (!destination.ok) return destination
    const begun = await askAgent(context, 'download', {
      group: group.value,
      name: name.value,
      destination: destination.value,
      overwrite: input.overwrite,
    })
    if (!begun.ok) return hinted(begun)
    const { id } = begun.value
    if (!input.wait) return done(downloadDocument(begun.value))
    context.leavesBehind = `download ${id} goes on in the background; follow it with shoal downloads --watch`
    const onProgress = (view: DownloadView) => context.display.progress(downloadDocument(view), oneDownload)
    onProgress(begun.value)
    const followed = await follow(context, id, onProgress)
    return followed.ok ? ended(followed.value) : followed
  },
  render: renderBegunOrEnded,
})

async function follow(context: Context, id: number, onProgress: (view: DownloadView) => void) {
  const unmute = context.muteDownload?.(id)
  let isReported = false
  try {
    const followed = await askAgent(context, 'download.follow', { id }, onProgress)
    isReported = followed.ok && (followed.value.state === 'completed' || followed.value.state === 'failed')
    return followed
  } finally {
    if (!isReported) unmute?.()
  }
}

/** The result of a download that was followed to its end. */
function ended(view: DownloadView): Result<DownloadDocument> {
  const failed = (code: string, message: string) => ({ ok: false, code, message }) as const
  switch (view.state) {
    case 'completed':
      return done(downloadDocument(view))
    case 'paused':
      return failed('paused', `the download was paused; to go on: shoal resume ${view.id}`)
    case 'cancelled':
      return failed('cancelled', 'the download was cancelled')
    case 'failed':
      return failed(view.error?.code ?? 'internal', view.error?.message ?? 'the download failed')
    default:
      throw new Error(`bug: a download was followed no further while ${view.state}`)
  }
}

function renderBegunOrEnded(document: DownloadDocument): string {
  const { id, state, name, path, size, seconds, fetchedBytes } = document
  if (state !== 'completed')
    return `Download ${id} of ${name} goes on in the background. Follow it: shoal downloads --watch`
  if (fetchedBytes === 0 && size > 0)
    return `${name} was already at ${path}, complete and verified (${formatBytes(size)}). Nothing was downloaded.`
  const rate = seconds > 0 ? `, ${formatRate(fetchedBytes / seconds)}` : ''
  return [
    `Downloaded ${name} to ${path}: ${formatBytes(size)} in ${formatDuration(seconds)}${rate}.`,
    ...delivered(document).map(line => `  ${line}`),
  ].join('\n')
}

const downloads = command({
  name: 'downloads',
  summary:
    'List the downloads of this device: [D] running, [P] paused, [C] complete, [F] failed, [X] cancelled. ' +
    'The number that pause, resume and cancel take stands first at a terminal; scripts find it with --json.',
  example: 'downloads --watch',
  options: { watch: flag('Keep the list up to date until interrupted.') },
  async run(context, input): Promise<Result<DownloadDocument[]>> {
    if (!input.watch) {
      const listed = await askAgent(context, 'downloads', {})
      if (!listed.ok) return listed
      if (listed.value.length > 0) context.display.hint(numbersElsewhere)
      return done(listed.value.map(downloadDocument))
    }
    const shown = new Map<number, DownloadDocument>()
    const onProgress = (changed: DownloadView[]) => {
      for (const view of changed) shown.set(view.id, downloadDocument(view))
      context.display.progress([...shown.values()], allDownloads)
    }
    const watched = await askAgent(context, 'downloads.watch', {}, onProgress)
    return watched.ok ? refuse('unreachable', 'the agent has stopped; start it with shoal agent start') : watched
  },
  render(downloads, style) {
    if (!style.isTerminal) return downloads.map(one => downloadLine(one)).join('\n')
    return downloads.length === 0 ? noDownloads : downloads.map(one => downloadRow(one, style)).join('\n')
  },
})

type Control = 'pause' | 'resume' | 'cancel'

const control = (verb: Control, summary: string, said: (name: string) => string) =>
  command({
    name: verb,
    summary,
    example: `${verb} 3`,
    args: { id: "the download's number; shoal downloads shows it at a terminal, and with --json" },
    async run(context, input): Promise<Result<DownloadDocument>> {
      const id = parseDownloadId(input.id)
      if (!id.ok) return id
      const answer = await askAgent<Control>(context, verb, { id: id.value })
      return answer.ok ? done(downloadDocument(answer.value)) : answer
    },
    render: ({ name }) => said(name),
  })

/** The contract's lines have no numbers; a terminal's own list does. */
const numbersElsewhere = 'for the numbers that pause, resume and cancel take: shoal downloads --json'

function parseDownloadId(typed: string): Outcome<number> {
  if (/^[1-9]\d{0,14}$/.test(typed)) return done(Number(typed))
  return refuse(
    'usage',
    `"${typed.slice(0, 40)}" is not the number of a download; find it with shoal downloads at a terminal, or with --json`,
  )
}

export const downloadCommands = [
  download,
  downloads,
  control('pause', 'Pause a download. The pieces that have arrived stay.', name => `Paused ${name}.`),
  control('resume', 'Resume a paused or failed download.', name => `Resumed ${name}.`),
  control('cancel', 'Cancel a download and delete the pieces that have arrived.', name => `Cancelled ${name}.`),
]
