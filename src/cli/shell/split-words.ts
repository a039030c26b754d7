// Splits a line typed at the prompt into words, at spaces outside quotes and not after a backslash. Expands nothing; `#`
// begins a comment where a word could begin.

import { done, type Outcome, refuse } from '../../domain/refusal.ts'

export function splitWords(line: string): Outcome<string[]> {
  const words: string[] = []
  let word: string | undefined
  const add = (text: string) => {
    word = (word ?? '') + text
  }
  let quote: string | undefined
  for (let at = 0; at < line.length; at += 1) {
    const character = line[at]!
    if (quote !== undefined) {
      if (character === quote) quote = undefined
      else if (quote === '"' && character === '\\' && /["\\]/.test(line[at + 1] ?? '')) {
        at += 1
        add(line[at]!)
      } else add(character)
    } else if (character === "'" || character === '"') {
      quote = character
      add('')
    } else if (character === '\\' && at + 1 < line.length) {
      at += 1
      add(line[at]!)
    } else if (/\s/.test(character)) {
      if (word !== undefined) words.push(word)
      word = undefined
    } else if (character === '#' && word === undefined) break
    else add(character)
  }
  if (quote !== undefined) return refuse('usage', `the line ends inside a quote; close it with ${quote}`)
  if (word !== undefined) words.push(word)
  return done(words)
}

/** `word` as it must be typed to come back whole. */
export const quoted = (word: string): string =>
  /^[\w./~:@%+=,-]+$/.test(word) ? word : `"${word.replaceAll(/["\\]/g, '\\$&')}"`
