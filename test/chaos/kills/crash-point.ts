// Loaded into an agent before its own code (NODE_OPTIONS): kills it (SIGKILL) at the file-system call that SHOAL_CRASH_AT
// names as `call:nth:before` or `call:nth:after`; `+ms` at the end delays that. For moments too short to hit from outside.
// `sync` is that of any open file or folder; the others are those of node:fs/promises.

import fs, { type FileHandle } from 'node:fs/promises'
import { syncBuiltinESMExports } from 'node:module'

type Call = (...args: never[]) => Promise<unknown>
const [, name = '', nth = '', when = '', laterMs = '0'] =
  /^(\w+):(\d+):(before|after)(?:\+(\d+))?$/.exec(process.env.SHOAL_CRASH_AT ?? '') ?? []

/** The environment of a process that shall end there. */
export const crashAt = (point: string) => ({ SHOAL_CRASH_AT: point, NODE_OPTIONS: `--import=${import.meta.url}` })

const die = () => process.kill(process.pid, 'SIGKILL')
let calls = 0

const dying = (call: Call): Call =>
  async function (this: unknown, ...args) {
    calls += 1
    const isIt = calls === Number(nth)
    if (isIt && when === 'before') die()
    try {
      return await call.apply(this, args)
    } finally {
      if (isIt && Number(laterMs) > 0) setTimeout(die, Number(laterMs))
      else if (isIt) die()
    }
  }

if (name === 'sync') {
  const handle = await fs.open(import.meta.filename)
  const prototype = Object.getPrototypeOf(handle) as Pick<FileHandle, 'sync'>
  await handle.close()
  prototype.sync = dying(prototype.sync) as FileHandle['sync']
} else if (name !== '') {
  const calls = fs as unknown as Record<string, Call>
  calls[name] = dying(calls[name]!)
  syncBuiltinESMExports()
}
