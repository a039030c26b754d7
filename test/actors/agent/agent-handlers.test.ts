import test from 'ava'
import { createAgentHandlers } from '../../../src/actors/agent/agent-handlers.ts'
import { done } from '../../../src/domain/refusal.ts'

type Needs = Parameters<typeof createAgentHandlers>[0]

/** Handlers of a device that is logged in. `problems`: what is in the way, each time it is asked; the last one stays. */
function handlersWith(services: unknown, problems: (string | undefined)[]) {
  const session = {
    login: { user: 'ann' },
    services,
    get problem() {
      return problems.length > 1 ? problems.shift() : problems[0]
    },
  }
  return createAgentHandlers({ session } as unknown as Needs)
}

const unsharing = { shareRegistry: { unshare: async () => done({ devices: 1 }) } }
const asker = { async progress() {}, signal: new AbortController().signal }

test('What needs the trackers waits while a lost connection is made again.', async t => {
  const handlers = handlersWith(unsharing, ['no broker answers', 'no broker answers', undefined])
  t.true((await handlers.unshare({ group: 'reef', name: 'film.bin' }, asker)).ok)
})

test('What needs the trackers is refused at once when connecting has failed.', async t => {
  const handlers = handlersWith(undefined, ['no broker answers'])
  t.like(await handlers.unshare({ group: 'reef', name: 'film.bin' }, asker), { ok: false, code: 'unreachable' })
})
