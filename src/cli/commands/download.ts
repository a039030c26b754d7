// download, downloads, pause, resume, cancel. The agent does the work; a command that only watches can go away, and
// the download goes on.

import { parseFileName, parseId } from '../../domain/names.ts'
import { formatBytes, formatDuration, formatRate } from '../../domain/quantities.ts'
import { done, type Outcome, refuse } from '../../domain/refusal.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import { askAgent } from '../ask.ts'
import { command, flag } from '../command.ts'
import type { Context } from '../context.ts'
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
  words: 'download',
  summary:
    'Fetch a file, in the background, from everybody in the group who has it; waits while none of them is online.',
  example: 'download reef some-film.mkv ~/films --wait',
  args: { group: 'the group', name: "the file's name there", dest: 'a folder, or the path of the new file' },
  options: {
    wait: flag('Show its progress and return at its end. Interrupting this leaves the download running.'),
    overwrite: flag('Replace the file if there is one already.'),
  },
  async run(context, input): Promise<Result<DownloadDocument>> {
    const group = parseId('group', input.group)
    if (!group.ok) return group
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
    if (!begun.ok) return begun
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
  const backIntoNews = context.muteDownload?.(id)
  let isTold = false
  try {
    const followed = await askAgent(context, 'download.follow', { id }, onProgress)
    isTold = followed.ok && (followed.value.state === 'completed' || followed.value.state === 'failed')
    return followed
  } finally {
    if (!isTold) backIntoNews?.()
  }
}

/** What following a download until it goes no further amounts to. */
function ended(view: DownloadView): Result<DownloadDocument> {
  const failed = (code: string, message: string) => ({ ok: false, code, message }) as const
  switch (view.state) {
    case 'completed':
      return done(downloadDocument(view))
    case 'paused':
      return failed('paused', `the download was paused; go on with shoal resume ${view.id}`)
    case 'cancelled':
      return failed('cancelled', 'the download was cancelled')
    case 'failed':
      return failed(view.error?.code ?? 'internal', view.error?.message ?? 'the download failed')
    default:
      throw new Error(`bug: a download was followed no further while ${view.state}`)
  }
}

function renderBegunOrEnded(document: DownloadDocument): string {
  const { id, state, name, path, size, seconds } = document
  if (state !== 'completed')
    return `Download ${id} of ${name} goes on in the background. Follow it: shoal downloads --watch`
  const rate = seconds > 0 ? `, ${formatRate(size / seconds)}` : ''
  return [
    `Downloaded ${name} to ${path}: ${formatBytes(size)} in ${formatDuration(seconds)}${rate}.`,
    ...delivered(document).map(line => `  ${line}`),
  ].join('\n')
}

const downloads = command({
  words: 'downloads',
  summary: 'The downloads of this device: [D] running, [P] paused, [C] complete, [F] failed, [X] cancelled.',
  example: 'downloads --watch',
  options: { watch: flag('Keep showing them until interrupted.') },
  async run(context, input): Promise<Result<DownloadDocument[]>> {
    if (!input.watch) {
      const listed = await askAgent(context, 'downloads', {})
      return listed.ok ? done(listed.value.map(downloadDocument)) : listed
    }
    const onProgress = (views: DownloadView[]) => context.display.progress(views.map(downloadDocument), allDownloads)
    const watched = await askAgent(context, 'downloads.watch', {}, onProgress)
    return watched.ok ? refuse('unreachable', 'the agent has ended; see shoal agent status') : watched
  },
  render(downloads, style) {
    if (!style.isTerminal) return downloads.map(one => downloadLine(one)).join('\n')
    return downloads.length === 0 ? noDownloads : downloads.map(one => downloadRow(one, style)).join('\n')
  },
})

type Steering = 'pause' | 'resume' | 'cancel'

const steer = (verb: Steering, summary: string, said: (name: string) => string) =>
  command({
    words: verb,
    summary,
    example: `${verb} 3`,
    args: { id: "the download's number, as shoal downloads shows it" },
    async run(context, input): Promise<Result<DownloadDocument>> {
      const id = parseDownloadId(input.id)
      if (!id.ok) return id
      const answer = await askAgent<Steering>(context, verb, { id: id.value })
      return answer.ok ? done(downloadDocument(answer.value)) : answer
    },
    render: ({ name }) => said(name),
  })

function parseDownloadId(typed: string): Outcome<number> {
  if (/^[1-9]\d{0,14}$/.test(typed)) return done(Number(typed))
  return refuse('usage', `a download has a number, as shoal downloads --json shows it; "${typed.slice(0, 40)}" is none`)
}

export const downloadCommands = [
  download,
  downloads,
  steer('pause', 'Pause a download. What has arrived stays.', name => `Paused ${name}.`),
  steer('resume', 'Go on with a paused or failed download.', name => `Going on with ${name}.`),
  steer('cancel', 'Give a download up, and remove what has arrived of it.', name => `Cancelled ${name}.`),
]
