// What was typed at the prompt, newest first, kept in the home with mode 600 for the next shell. Never holds a password
// typed after a classic name.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { shellTunables } from '../../../config/client.ts'
import { quoted, splitWords } from './split-words.ts'

const { maxHistoryLines } = shellTunables

export interface History {
  lines(): string[]
  add(line: string): void
}

export function openHistory(file: string): History {
  let lines = read(file)
  return {
    lines: () => [...lines],
    add(line) {
      const kept = withoutPassword(line.trim())
      if (kept === '' || kept === lines[0]) return
      lines = [kept, ...lines].slice(0, maxHistoryLines)
      const fresh = `${file}.${process.pid}`
      writeFileSync(fresh, `${lines.toReversed().join('\n')}\n`, { mode: 0o600 })
      renameSync(fresh, file)
    },
  }
}

/** The line without the last word of `create_user` and `login`, which may be a password. */
export function withoutPassword(line: string): string {
  const words = splitWords(line)
  if (!words.ok) return /\b(create_user|signup|login)\b/.test(line) ? '' : line
  const at = words.value.findIndex(word => ['create_user', 'signup', 'login'].includes(word))
  return at === -1 || words.value.length <= at + 2
    ? line
    : words.value
        .slice(0, at + 2)
        .map(quoted)
        .join(' ')
}

function read(file: string): string[] {
  try {
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).toReversed().slice(0, maxHistoryLines)
  } catch {
    return []
  }
}
