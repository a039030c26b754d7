// A typed way to one actor for code that is not its parent. The actor attaches itself when it starts, and again when its
// parent has started it anew, so nothing is looked up by name. A port sends events, and shows what its subclass makes public.

interface Attachable<Event> {
  send(event: Event): void
  getSnapshot(): { readonly status: string }
}

export class ActorPort<Event, Actor extends Attachable<Event> = Attachable<Event>> {
  #actor: Actor | undefined

  /** Called by the actor itself, as it starts. */
  attach(actor: Actor): void {
    this.#actor = actor
  }

  /** Dropped while the actor does not run: as it starts, it learns what it missed. */
  send(event: Event): void {
    this.active?.send(event)
  }

  /** Undefined while the actor is being started again, and once it has ended. */
  protected get active(): Actor | undefined {
    return this.#actor?.getSnapshot().status === 'active' ? this.#actor : undefined
  }

  /** The actor that started last, which may have ended. Throws when none has. */
  protected get latest(): Actor {
    if (!this.#actor) throw new Error('bug: this port was used before its actor had ever started')
    return this.#actor
  }
}
