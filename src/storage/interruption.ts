// A call of the file system that a signal interrupted has done nothing and may be made again. libuv makes
// all others again by itself but hands on those of reads, so whatever reads goes through here.

const isInterrupted = (error: unknown) => (error as NodeJS.ErrnoException).code === 'EINTR'

/** Throws what the call throws. */
export function again<T>(call: () => T): T {
  for (;;) {
    try {
      return call()
    } catch (error) {
      if (!isInterrupted(error)) throw error
    }
  }
}

/** Rejects with what the call rejects with. */
export async function againLater<T>(call: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await call()
    } catch (error) {
      if (!isInterrupted(error)) throw error
    }
  }
}
