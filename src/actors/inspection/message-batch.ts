// Counts the messages between actors until they are reported: the same message many times is one entry. At most
// `inspectionBounds.messagesPerBatch` different ones are held, and the rest are only counted.

import type { ActorRefLike } from 'xstate'
import type { InspectedMessages } from '../../wire/inspected-actor.ts'
import { inspectionBounds } from '../../wire/inspection-bounds.ts'
import { idOf } from './describe-actor.ts'

export type Messages = Pick<InspectedMessages, 'messages' | 'omitted'>
type Message = Messages['messages'][number]

export class MessageBatch {
  #messages: Message[] = []
  /** By receiver, sender and event type. Nested, since a key made of all three would cost a string for every event. */
  readonly #known = new Map<ActorRefLike, Map<ActorRefLike | undefined, Map<string, Message>>>()
  #omitted = 0

  /** `from`: undefined for what came from outside the actors. */
  add(from: ActorRefLike | undefined, to: ActorRefLike, event: string): void {
    const known = this.#known.get(to)?.get(from)?.get(event)
    if (known) known.count += 1
    else if (this.#messages.length === inspectionBounds.messagesPerBatch) this.#omitted += 1
    else {
      const message = {
        at: Date.now(),
        from: from ? idOf(from) : null,
        to: idOf(to),
        event: event.slice(0, 200),
        count: 1,
      }
      this.#messages.push(message)
      this.#remember(from, to, event, message)
    }
  }

  /** Removes and returns what has been counted; undefined when that is nothing. */
  take(): Messages | undefined {
    if (this.#messages.length === 0) return undefined
    const taken = { messages: this.#messages, omitted: this.#omitted }
    this.#messages = []
    this.#omitted = 0
    this.#known.clear()
    return taken
  }

  #remember(from: ActorRefLike | undefined, to: ActorRefLike, event: string, message: Message): void {
    const received = this.#known.get(to) ?? new Map<ActorRefLike | undefined, Map<string, Message>>()
    const sent = received.get(from) ?? new Map<string, Message>()
    this.#known.set(to, received.set(from, sent.set(event, message)))
  }
}
