// given events, when a command, then events or a refusal: after emmett's DeciderSpecification.

import type { ExecutionContext } from 'ava'
import type { Decider } from '../../src/domain/decider.ts'
import type { RefusalCode } from '../../src/domain/refusal.ts'

export const stateOf = <State extends View, Command, Event, View>(
  decider: Decider<State, Command, Event, View>,
  events: readonly Event[],
) => events.reduce(decider.evolve, decider.initial)

export const specify =
  <State extends View, Command, Event, View>(decider: Decider<State, Command, Event, View>, t: ExecutionContext) =>
  (...given: readonly Event[]) => ({
    when(command: Command) {
      const outcome = decider.decide(command, stateOf(decider, given))
      return {
        gives(...expected: readonly Event[]) {
          t.deepEqual(outcome, { ok: true, value: expected })
        },
        refused(code: RefusalCode) {
          t.is(outcome.ok ? 'not refused' : outcome.code, code)
          // People read it: one line, in plain characters.
          if (!outcome.ok) t.regex(outcome.message, /^[\x20-\x7e]{10,200}$/)
        },
      }
    },
  })
