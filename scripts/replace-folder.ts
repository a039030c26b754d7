// Replaces what was built before in one step, so that nothing ever reads an incomplete folder.

import { mkdirSync, renameSync, rmSync } from 'node:fs'

/** `fill` gets an empty folder, which takes the place of `folder` once it is filled. */
export async function replaceFolder<T>(folder: string, fill: (fresh: string) => Promise<T>): Promise<T> {
  const fresh = `${folder}.${process.pid}`
  rmSync(fresh, { recursive: true, force: true })
  mkdirSync(fresh, { recursive: true })
  try {
    const filled = await fill(fresh)
    rmSync(folder, { recursive: true, force: true })
    renameSync(fresh, folder)
    return filled
  } finally {
    rmSync(fresh, { recursive: true, force: true })
  }
}
