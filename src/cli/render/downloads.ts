// Renders downloads: the output that scripts rely on, and further details at a terminal.

import { count, formatBytes, formatDuration, formatRate, percentOf } from '../../domain/quantities.ts'
import type { DownloadView } from '../../wire/agent-api.ts'
import type { ProgressView } from './display.ts'
import { bar } from './live-lines.ts'
import { plainStyle, type Style } from './style.ts'

/** A download as --json prints it. `peers` are the devices that delivered; `connected` counts those there now. */
export interface DownloadDocument extends Omit<DownloadView, 'peers' | 'deliveries'> {
  readonly size: number
  readonly peers: DownloadView['deliveries']
  readonly connected: number
}

export function downloadDocument({ peers: connected, deliveries: peers, ...view }: DownloadView): DownloadDocument {
  return { ...view, seconds: Math.round(view.seconds * 1000) / 1000, size: view.bytes.total, peers, connected }
}

/** One line per download, in the format that scripts rely on. */
export function downloadLine(
  { state, group, name, pieces, error }: DownloadDocument,
  style: Style = plainStyle,
): string {
  const what = `[${group}] ${name}`
  const progress = `(${pieces.done}/${pieces.total} pieces, ${percentOf(pieces)}%)`
  switch (state) {
    case 'completed':
      return `${style('green', '[C]')} ${what}`
    case 'failed':
      return `${style('red', '[F]')} ${what}: ${error?.message ?? 'no reason given'}`
    case 'cancelled':
      return `${style('dim', '[X]')} ${what}`
    case 'paused':
      return `${style('yellow', '[P]')} ${what} ${progress}`
    default:
      return `${style('cyan', '[D]')} ${what} ${progress}`
  }
}

/** For a terminal: the same with the download's id, for pausing or cancelling it, and its progress. */
export const downloadRow = (download: DownloadDocument, style: Style): string =>
  [style('bold', String(download.id).padStart(3)), downloadLine(download, style), going(download, style)]
    .filter(part => part !== '')
    .join('  ')

function going(download: DownloadDocument, style: Style): string {
  const { state, bytesPerSecond, connected, error, bytes, path } = download
  switch (state) {
    case 'downloading':
      return `${formatRate(bytesPerSecond)}, ${timeLeft(download)}from ${count(connected, 'peer')}`
    case 'stalled':
      return style('yellow', `waiting: ${error?.message ?? 'no peer has what is missing'}`)
    case 'queued':
      return 'queued behind other downloads'
    case 'locating':
      return 'looking for peers'
    case 'verifying':
      return 'checking the whole file'
    case 'completed':
      return style('dim', `${formatBytes(bytes.total)} in ${path}`)
    default:
      return ''
  }
}

function timeLeft({ bytes, bytesPerSecond }: DownloadDocument): string {
  if (bytesPerSecond <= 0) return ''
  return `${formatDuration((bytes.total - bytes.done) / bytesPerSecond)} left, `
}

export const delivered = ({ peers }: DownloadDocument): string[] =>
  peers.map(
    ({ user, device, pieces, bytes, via }) =>
      `${user} (${device}) ${count(pieces, 'piece')}, ${formatBytes(bytes)}${via === 'relay' ? ', relayed' : ''}`,
  )

/** One running download: a progress bar, and a line for each peer. */
export const oneDownload: ProgressView<DownloadDocument> = {
  isStream: true,
  lines: (download, style) => [
    `${bar(download.bytes.total === 0 ? 1 : download.bytes.done / download.bytes.total)} ${downloadLine(download, style)}`,
    `  ${going(download, style) || download.state}`,
    ...delivered(download).map(line => style('dim', `  ${line}`)),
  ],
  // A log shows no movement, so a stalled download says what it waits for.
  plainLines: download =>
    download.state === 'stalled'
      ? [`${downloadLine(download)}: ${going(download, plainStyle)}`]
      : [downloadLine(download)],
}

/** All downloads of a device, kept up to date. */
export const allDownloads: ProgressView<readonly DownloadDocument[]> = {
  isStream: true,
  lines: (downloads, style) => (downloads.length === 0 ? [noDownloads] : downloads.map(one => downloadRow(one, style))),
  plainLines: downloads => downloads.map(one => downloadLine(one)),
}

export const noDownloads = 'There are no downloads on this device.'
