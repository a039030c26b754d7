// Turns what XState tells of a system of actors into steps and messages (wire/inspection.ts), each reported at its own
// pace. An event costs the observed process a few map look-ups; actors are described only when a step is due.

import type { InspectionEvent } from 'xstate'
import { inspectionTunables } from '../../../config/inspection.ts'
import { failureIn, isBookkeeping, isStart, takenTransitions } from '../../machines/xstate-internals.ts'
import { MessageBatch, type Messages } from './message-batch.ts'
import { PendingSteps, type Step } from './pending-steps.ts'

interface Reports {
  step(step: Step): void
  messages(messages: Messages): void
}

export class MachineObserver {
  readonly #steps = new PendingSteps()
  readonly #messages = new MessageBatch()
  readonly #timers: readonly NodeJS.Timeout[]

  /** Reports from now on, until it is closed. `now` is in ms, by any steady clock. */
  constructor(reports: Reports, now: () => number = () => performance.now()) {
    const reportSteps = () => {
      for (const step of this.#steps.takeDue(now())) reports.step(step)
    }
    const reportMessages = () => {
      const messages = this.#messages.take()
      if (messages) reports.messages(messages)
    }
    this.#timers = [
      setInterval(reportSteps, inspectionTunables.leastGapMs),
      setInterval(reportMessages, inspectionTunables.messagesEveryMs),
    ]
    for (const timer of this.#timers) timer.unref()
  }

  /** For `inspectSystem`. */
  observe(event: InspectionEvent): void {
    const { actorRef: actor } = event
    if (event.type === '@xstate.event') {
      const { sourceRef: sender, event: received } = event
      this.#steps.received(actor, received.type, sender)
      if (!isBookkeeping(received.type)) this.#messages.add(sender, actor, received.type)
      const failure = failureIn(received)
      if (sender && failure) this.#steps.failed(sender, received.type, failure.error)
    } else if (event.type === '@xstate.microstep')
      this.#steps.transitioned(actor, event.event.type, takenTransitions(event))
    else if (event.type === '@xstate.snapshot') {
      const { type } = event.event
      this.#steps.handled(actor, type, isStart(type) || event.snapshot.status !== 'active')
    }
  }

  close(): void {
    for (const timer of this.#timers) clearInterval(timer)
    this.#steps.clear()
  }
}
