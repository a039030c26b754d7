/** What `read` fills two buffers with that have `length` bytes together. */
export async function readBytes(length: number, read: (into: readonly Buffer[]) => Promise<void>): Promise<Buffer> {
  const bytes = Buffer.alloc(length)
  const middle = length >> 1
  await read([bytes.subarray(0, middle), bytes.subarray(middle)].filter(part => part.length > 0))
  return bytes
}
