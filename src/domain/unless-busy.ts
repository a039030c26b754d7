/** A function that starts `action`, and does nothing while an earlier start has not ended. `action` must not reject. */
export function unlessBusy(action: () => Promise<void>): () => void {
  let isBusy = false
  return () => {
    if (isBusy) return
    isBusy = true
    void action().finally(() => {
      isBusy = false
    })
  }
}
