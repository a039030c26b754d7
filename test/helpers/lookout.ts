// Waits for things reported by call-backs: after each report, every waiting condition is checked again.

export interface Lookout {
  look(): void
  /** Resolves with what `find` finds; with nothing, undefined or false, it has not found it yet. */
  until<T>(find: () => T | undefined | false): Promise<T>
}

/** What is waited for may keep no process alive; then the waiting does, unless it is told not to. */
export function createLookout({ keepsAlive = true } = {}): Lookout {
  const waiting = new Set<() => void>()
  return {
    look() {
      for (const each of waiting) each()
    },
    until: <T>(find: () => T | undefined | false) =>
      new Promise<T>((resolve, reject) => {
        const alive = keepsAlive ? setInterval(() => {}, 1_000) : undefined
        const end = () => {
          clearInterval(alive)
          waiting.delete(each)
        }
        const each = () => {
          try {
            const found = find()
            if (found === undefined || found === false) return
            end()
            resolve(found)
          } catch (error) {
            end()
            reject(error)
          }
        }
        waiting.add(each)
        each()
      }),
  }
}
