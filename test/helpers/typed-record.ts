// Everything of one kind that a test is told, and a way to wait for it by its type.

import { createLookout } from './lookout.ts'

type Typed<Item extends { type: string }, T> = Extract<Item, { type: T }>

export interface TypedRecord<Item extends { type: string }> {
  readonly all: Item[]
  add(item: Item): void
  /** The first of that type, also one that has come already; each is given once. */
  next<T extends Item['type']>(type: T): Promise<Typed<Item, T>>
}

export function createTypedRecord<Item extends { type: string }>(): TypedRecord<Item> {
  const all: Item[] = []
  const unseen: Item[] = []
  // A test may end without what it waited for.
  const { look, until } = createLookout({ keepsAlive: false })
  return {
    all,
    add(item) {
      all.push(item)
      unseen.push(item)
      look()
    },
    next<T extends Item['type']>(type: T) {
      return until(() => {
        const at = unseen.findIndex(item => item.type === type)
        return at >= 0 && (unseen.splice(at, 1)[0] as Typed<Item, T>)
      })
    },
  }
}
