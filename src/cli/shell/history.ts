// What was typed at the prompt, newest first, kept in the home for the next shell with mode 600. A password typed in
// the assignment's spelling is never part of it.

import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { quoted, splitWords } from './split-words.ts'

/** As many lines as a person may want to find again. */
const maxLines = 1_000

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
      lines = [kept, ...lines].slice(0, maxLines)
      const fresh = `${file}.${process.pid}`
      writeFileSync(fresh, `${lines.toReversed().join('\n')}\n`, { mode: 0o600 })
      renameSync(fresh, file)
    },
  }
}

/** `create_user` and `login` take a password as their last word: it goes, whatever stands around it. */
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
    return readFileSync(file, 'utf8').split('\n').filter(Boolean).toReversed().slice(0, maxLines)
  } catch {
    return []
  }
}
