// What a chaos run writes down for the checker: what each device asked and was answered, what the log holds at the end,
// and what every tracker then says of itself. Plain data, so that a history can be kept in a file and judged again.

/** One request of a device, or one command of a person's command line. */
export interface Entry {
  readonly user: string
  readonly device: string
  /** The request's id on the wire; absent when the request was made by an agent or a command line of its own. */
  readonly id?: string
  readonly method: string
  readonly params: { readonly group?: string; readonly user?: string; readonly name?: string; readonly sha1?: string }
  /** ms since the run began, by one monotonic clock. */
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

export type Answer =
  /** `seq` is the point of the log that the answer says it speaks from; absent when the asker was not told. */
  | { readonly kind: 'done'; readonly seq?: number; readonly result?: unknown }
  | { readonly kind: 'refused'; readonly seq?: number; readonly code: string }
  /** Silence, or `no-quorum` that says it may yet take effect: either is right. */
  | { readonly kind: 'maybe'; readonly code: string }

export interface Line {
  readonly seq: number
  readonly id: string
  readonly by?: { readonly user: string; readonly device: string }
  readonly events: readonly HeartbeatCommand[]
}
export type HeartbeatCommand = { readonly type: string } & Readonly<Record<string, unknown>>

/** What one tracker alone, with the others stopped, answers at the end about everything the log is about. */
export interface Testimony {
  readonly tracker: string
  readonly seq: number
  readonly digest: string
  /** As `Entry.params` and `Entry.answer.result` of reads. */
  readonly reads: readonly { user: string; method: string; params: Entry['params']; result: unknown }[]
  /** Questions about what is there to be seen that it did not answer. */
  readonly unanswered: readonly string[]
}

export interface Delivered {
  readonly device: string
  readonly name: string
  readonly expected: string
  /** SHA-256 of what is on the disk; or why there is nothing. */
  readonly found: string
}

export interface History {
  readonly entries: readonly Entry[]
  readonly log: readonly Line[]
  readonly testimonies: readonly Testimony[]
  readonly deliveries: readonly Delivered[]
}

export interface Violation {
  readonly kind:
    | 'acknowledged write lost'
    | 'acknowledged before it was there'
    | 'refused write present'
    | 'acted twice'
    | 'refused without reason'
    | 'read went back'
    | 'read what never was'
    | 'answered from behind'
    | 'rule broken'
    | 'trackers differ'
    | 'download differs'
  readonly what: string
}
