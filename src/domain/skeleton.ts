// Which ids look the same. Two ids with one skeleton are one id as far as uniqueness goes: `Alice`, `alice` and `aIice` cannot
// be three users. A skeleton is for comparing only and is never shown.
//
// It is the skeleton of Unicode Technical Standard 39, section 4, for the characters that ids may have (names.ts). Of its data,
// confusables.txt, four lines start at such a character: 0 to O, 1 to l, I to l, and m to rn. Case is folded, too, so that
// I and i, which fold to one letter, both end at l.

const prototypes: Readonly<Record<string, string>> = { '0': 'o', '1': 'l', i: 'l', m: 'rn' }

/** At most twice as long as the id, and an id itself but for its length. `skeleton(a + b)` is `skeleton(a) + skeleton(b)`. */
export const skeleton = (id: string): string =>
  id.toLowerCase().replace(/[01im]/g, character => prototypes[character] ?? character)
