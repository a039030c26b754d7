// Logs that outlive the folder of a test: those of the brokers, trackers and agents of one that failed.

import { copyFileSync, mkdirSync, readdirSync, rmSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

const keptIn = fileURLToPath(new URL('../../.cache/failed-tests', import.meta.url))
/** Failures and aborted files; older ones are removed. */
const mostKept = 50

/** A broker's `log`, any process's `output`, an agent's own, and what was rotated away. */
const isLog = (name: string) => /^(log|output|agent\.log)(\.old)?$/.test(name)

/** Copies every log below `folder`; returns where to, or undefined if there is none with anything in it. */
export function keepLogs(folder: string, label: string): string | undefined {
  const logs = logsBelow(folder)
  if (logs.length === 0) return undefined
  const now = new Date().toISOString().replace(/[:.]/g, '-')
  const name = label.replace(/[^a-z0-9]+/gi, '-').slice(0, 60)
  const target = join(keptIn, `${now}-${process.pid}-${name}`)
  for (const log of logs) {
    const copy = join(target, relative(folder, log))
    mkdirSync(dirname(copy), { recursive: true })
    copyFileSync(log, copy)
  }
  for (const old of readdirSync(keptIn).sort().slice(0, -mostKept))
    rmSync(join(keptIn, old), { recursive: true, force: true })
  return target
}

function logsBelow(folder: string): string[] {
  const found: string[] = []
  for (const entry of readdirSync(folder, { withFileTypes: true })) {
    const path = join(folder, entry.name)
    // What a broker stores may change under our eyes, and holds no log.
    if (entry.isDirectory() && entry.name !== 'store') found.push(...logsBelow(path))
    else if (entry.isFile() && isLog(entry.name) && statSync(path).size > 0) found.push(path)
  }
  return found
}
