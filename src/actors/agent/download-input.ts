// What a run begins with: the library's record of its download.

import type { DownloadInput } from '../../machines/download-protocol.ts'
import type { DownloadQueuePort } from '../../machines/download-queue-port.ts'
import type { DownloadRecord } from '../../storage/library-downloads.ts'

export function downloadInputOf(record: DownloadRecord, queue: Pick<DownloadQueuePort, 'running'>): DownloadInput {
  const { id, group, name, share, manifest, destination, overwrite, seconds, fetchedBytes, deliveries } = record
  return {
    spec: { id, group, name, share, manifest, path: destination, overwrite },
    spent: { seconds, fetchedBytes, deliveries },
    now: () => performance.now(),
    running: () => Math.max(1, queue.running),
  }
}
