// Faulty targets, each in its own way, for the runner to find.

import type { Target } from './target.ts'

const valid = [{ name: 'a.txt' }]
const hoard: unknown[] = []

export const targets: readonly Target[] = [
  {
    name: 'takes what leads elsewhere',
    valid,
    take(bytes) {
      if (bytes.includes('/')) throw new Error('a name that leads elsewhere')
      return true
    },
  },
  {
    name: 'does not end',
    valid,
    take(bytes) {
      while (bytes.includes('..'));
      return true
    },
  },
  {
    name: 'hoards',
    valid,
    take(bytes) {
      while (bytes.includes('..')) hoard.push(Buffer.alloc(2 ** 24, 1))
      return true
    },
  },
  { name: 'is all right', valid, take: bytes => bytes.length % 2 === 0 },
]
