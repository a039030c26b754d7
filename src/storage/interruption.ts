// Repeats file system calls that a signal interrupted; they have done nothing. libuv repeats all of them by itself except
// reads, so every read goes through here.

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
