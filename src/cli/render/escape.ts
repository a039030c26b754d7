// Makes untrusted text safe to show: characters that control a terminal, or reorder or hide text, become visible escapes.
// `display.ts` passes everything through here before rendering, so renderers need not care.

// C0, DEL and C1 controls, lone surrogates, line separators, and the invisible characters that mark or override direction.
const unshowable =
  /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u00ad\u061c\u180e\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufeff\u{e0000}-\u{e007f}]/gu

const codeOf = (character: string) => character.codePointAt(0)!.toString(16)

/** `text` with each unshowable character as `\u{…}`: one line, and nothing in it acts on a terminal. */
export const showable = (text: string): string => text.replace(unshowable, character => `\\u{${codeOf(character)}}`)

/** A copy of a document with every string in it showable. */
export function showableDeep<T>(value: T): T {
  if (typeof value === 'string') return showable(value) as T
  if (Array.isArray(value)) return value.map(showableDeep) as T
  if (typeof value !== 'object' || value === null) return value
  return Object.fromEntries(Object.entries(value).map(([key, item]) => [key, showableDeep(item)])) as T
}

/** The same value as one line of JSON that is safe on a terminal. */
export const showableJson = (value: unknown): string =>
  JSON.stringify(value).replace(unshowable, character =>
    Array.from({ length: character.length }, (_, index) => character.charCodeAt(index))
      .map(unit => `\\u${unit.toString(16).padStart(4, '0')}`)
      .join(''),
  )
