// Hostile variants of valid JSON messages: values swapped for nasty ones, keys added, removed and repeated, deep and long
// values, cut and flipped bytes. The same random numbers make the same message.

type Json = unknown
export type Random = () => number

const pick = <T>(items: readonly T[], random: Random): T => items[Math.floor(random() * items.length)]!
const deep = (depth: number, open: string, close: string) => open.repeat(depth) + close.repeat(depth)

/** Raw JSON text, some of which no program would write. */
const nasty = [
  'null',
  'true',
  '""',
  '[]',
  '{}',
  '0',
  '-0',
  '-1',
  '0.5',
  '1e309',
  '-1e309',
  '9007199254740993',
  '4294967296',
  '1e21',
  '{"__proto__":{"isOwner":true}}',
  '{"constructor":{"prototype":{}}}',
  '{"toString":1,"toJSON":1}',
  '{"length":1e9}',
  '"\\ud800"',
  '"a\\udc00b"',
  '"\\u202egnp.exe"',
  '"\\u0000"',
  '"\\u001b[2J"',
  '"../../etc/passwd"',
  '"..\\\\x"',
  '"/"',
  '"."',
  '".."',
  '"*"',
  '">"',
  '"a.b"',
  '" "',
  '"\\u00e9"',
  '"e\\u0301"',
  '"\\u2028"',
  '"\\ufeff"',
  '"__proto__"',
  '"constructor"',
  `"${'x'.repeat(300)}"`,
  `"${'é'.repeat(126)}"`,
]
/** Used rarely: they take long to make. */
const large = [
  `"${'A'.repeat(200_000)}"`,
  deep(10_000, '[', ']'),
  `${'{"a":'.repeat(5_000)}1${'}'.repeat(5_000)}`,
  `[${'0,'.repeat(20_000)}0]`,
]
const nastyKeys = ['__proto__', 'constructor', 'toString', 'hasOwnProperty', '', '\u0000', 'type', 'ok', 'name']

interface Place {
  readonly holder: Record<string, Json> | Json[]
  readonly key: string
}

function placesIn(value: Json, into: Place[] = []): Place[] {
  if (typeof value !== 'object' || value === null) return into
  for (const key of Object.keys(value)) {
    into.push({ holder: value as Place['holder'], key })
    placesIn((value as Record<string, Json>)[key], into)
  }
  return into
}

const set = ({ holder, key }: Place, value: Json) =>
  Object.defineProperty(holder, key, { value, enumerable: true, configurable: true, writable: true })

/** A tree with marks where raw text goes, and those texts. */
function mutateTree(root: { value: Json }, raw: string[], random: Random): void {
  const place = pick(placesIn(root), random)
  const { holder, key } = place
  const value = (holder as Record<string, Json>)[key]
  const choice = random()
  if (choice < 0.4) set(place, `\u0000raw${raw.push(pick(random() < 0.005 ? large : nasty, random)) - 1}\u0000`)
  else if (choice < 0.5 && holder !== root) {
    if (Array.isArray(holder)) holder.splice(Number(key), 1)
    else delete holder[key]
  } else if (choice < 0.6 && typeof value === 'object' && value !== null && !Array.isArray(value))
    set({ holder: value as Place['holder'], key: pick(nastyKeys, random) }, pick([1, 'x', null, {}], random))
  else if (choice < 0.7)
    set(place, structuredClone((pick(placesIn(root), random) as Place & { holder: Record<string, Json> }).holder))
  else if (typeof value === 'number')
    set(place, pick([value + 1, value - 1, -value, value * 2, value + 0.5, 2 ** 53], random))
  else if (typeof value === 'string') {
    const at = Math.floor(random() * (value.length + 1))
    const put = pick(['\u202e', '\ud800', '\u0000', '/', '.', '*', '>', ' ', 'é', '\n', '=', 'A'.repeat(40)], random)
    const cut = random() < 0.3 ? 1 : 0
    set(place, value.slice(0, at) + (cut ? '' : put) + value.slice(at + cut))
  } else set(place, [value, value])
}

/** One message, as bytes. Some are unchanged. */
export function mutate(valid: readonly Json[], random: Random): Buffer {
  const root = { value: JSON.parse(JSON.stringify(pick(valid, random))) as Json }
  const raw: string[] = []
  const times = Math.floor(random() * 4)
  for (let time = 0; time < times; time += 1) mutateTree(root, raw, random)
  const text = JSON.stringify(root.value) ?? 'null'
  const bytes = Buffer.from(text.replaceAll(/"\\u0000raw(\d+)\\u0000"/g, (_, at) => raw[Number(at)]!))
  const choice = random()
  if (choice < 0.9 || bytes.length === 0) return bytes
  if (choice < 0.93) return bytes.subarray(0, Math.floor(random() * bytes.length))
  if (choice < 0.97) {
    bytes[Math.floor(random() * bytes.length)]! ^= 1 << Math.floor(random() * 8)
    return bytes
  }
  return Buffer.from(Array.from({ length: Math.floor(random() * 60) }, () => Math.floor(random() * 256)))
}
