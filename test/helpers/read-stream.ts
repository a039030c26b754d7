// Reads streams alike on every Node: since Node 26 `read()` returns one chunk, and iterating a duplex stream to its end
// destroys it, although it may still be written to.

import { once } from 'node:events'
import type { Readable } from 'node:stream'

/** What has arrived so far, as text. */
export function readAvailable(stream: Readable): string {
  const chunks: Buffer[] = []
  for (let chunk = stream.read(); chunk !== null; chunk = stream.read()) chunks.push(chunk)
  return Buffer.concat(chunks).toString()
}

/** Everything up to the stream's end; the writable side stays open. Rejects when the stream breaks. */
export async function readToEnd(stream: Readable): Promise<Buffer> {
  const chunks: Buffer[] = []
  stream.on('data', (chunk: Buffer) => chunks.push(chunk))
  await once(stream, 'end')
  return Buffer.concat(chunks)
}
