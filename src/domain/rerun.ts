// Runs an action that must not run twice at once, and that must see whatever happened before it was last asked for: asked
// for while it runs, it runs once more afterwards, however often it was asked for.

/** What it returns asks for a run. Its promise settles when a run that began after the call has ended, as that run did. */
export function createRerun<T>(action: () => Promise<T>): () => Promise<T> {
  let running: Promise<T> | undefined
  let next: Promise<T> | undefined
  const start = (): Promise<T> => {
    const run = action()
    running = run
    const ended = () => {
      if (running === run) running = undefined
    }
    run.then(ended, ended)
    return run
  }
  return () => {
    // Its run has yet to begin: also in the moment when the run before it has just ended.
    if (next) return next
    if (!running) return start()
    next = running
      .catch(() => {})
      .then(() => {
        next = undefined
        return start()
      })
    return next
  }
}
