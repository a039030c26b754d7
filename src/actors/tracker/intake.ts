// How a tracker takes messages from people: each is counted before anything in it is read (load-control.ts), checked to want
// its answer in its sender's own inbox, and waits its turn. Senders take turns, in each room apart. Once a sender is cut off,
// or the answers to its earlier messages have used up its bytes, those that still wait are dropped.

import type { Msg } from 'nats'
import { trackerTunables } from '../../../config/tracker.ts'
import { inboxPrefix } from '../../wire/subjects.ts'
import type { LoadControl, Room } from './load-control.ts'
import { type MessageSource, sourceKey } from './message-source.ts'
import { createPacedQueue } from './paced-queue.ts'
import { goesInto } from './tracker-messages.ts'

export interface Intake {
  readonly room: Room
  /** Undefined when the subject is not one that a source of this room may use. */
  sourceOf(subject: string): MessageSource | undefined
  /** What the inbox begins with that the sender of a message on `subject` hears. */
  inboxOf(subject: string): string
  take(message: Taken): void
}

export interface Taken extends Pick<Msg, 'subject' | 'data' | 'reply'> {
  /** Counts as the sender's. */
  answer(text: string): void
}

/** Of the subjects that begin with `shoal.<room>.<user>`. */
export const inboxOfUser = (subject: string): string => inboxPrefix(subject.split('.')[2] ?? '')

/** What to subscribe with; `failed` is called with an error of the subscription. */
export function createIntake(
  load: LoadControl,
  { room, sourceOf, inboxOf, take }: Intake,
  failed: (error: Error) => void,
): (error: Error | null, message: Msg) => void {
  const enqueue = createPacedQueue<{ readonly source: MessageSource; readonly message: Taken }>(
    trackerTunables.requests,
    waited => {
      if (load.mayAnswer(room, waited.source)) take(waited.message)
    },
  )
  return (error, message) => {
    if (error) return failed(error)
    const { subject, data, reply } = message
    const source = sourceOf(subject)
    if (!source || !load.admits(room, source, data.length)) return
    if (!goesInto(inboxOf(subject), message)) return
    const answer = (text: string) => {
      load.charge(room, source, Buffer.byteLength(text))
      message.respond(text)
    }
    const taken = { subject, data, ...(reply === undefined ? {} : { reply }), answer }
    enqueue({ source, message: taken }, sourceKey(source))
  }
}
