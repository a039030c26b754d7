// Ctrl-C as an AbortSignal for the one command that runs; and the signal that ends a service in the foreground.

import { once } from 'node:events'

/** Runs something that SIGINT aborts. A second SIGINT ends the process, in case the first had no effect. */
export async function interruptibly<T>(run: (signal: AbortSignal) => Promise<T>): Promise<T> {
  const controller = new AbortController()
  const interrupt = () => controller.abort()
  process.once('SIGINT', interrupt)
  try {
    return await run(controller.signal)
  } finally {
    process.removeListener('SIGINT', interrupt)
  }
}

/** Resolves at the first SIGINT or SIGTERM, with its name. */
export async function endSignal(): Promise<'SIGINT' | 'SIGTERM'> {
  const either = new AbortController()
  const wait = async (signal: 'SIGINT' | 'SIGTERM') => {
    await once(process, signal, { signal: either.signal })
    return signal
  }
  try {
    return await Promise.any([wait('SIGINT'), wait('SIGTERM')])
  } finally {
    either.abort()
  }
}
