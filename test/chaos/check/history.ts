// What a chaos run records for the checker: each device's requests and answers, the log at the end, and then every
// tracker's own answers. Plain data, so that a history can be saved and judged again.

/** One request of a device, or one command of a person's command line. */
export interface Entry {
  readonly user: string
  readonly device: string
  /** The request's id on the wire; absent for a request made by an agent or a command line. */
  readonly id?: string
  readonly method: string
  readonly params: { readonly group?: string; readonly user?: string; readonly name?: string; readonly sha1?: string }
  /** ms since the run began, by one monotonic clock. */
  readonly from: number
  readonly to: number
  readonly answer: Answer
}

export type Answer =
  /** `seq` is the answer's sequence; absent if the client did not learn it. */
  | { readonly kind: 'done'; readonly seq?: number; readonly result?: unknown }
  | { readonly kind: 'refused'; readonly seq?: number; readonly code: string }
  /** Silence, or a `no-quorum` that says it may yet take effect: it may or may not have acted. */
  | { readonly kind: 'maybe'; readonly code: string }

export interface Line {
  readonly seq: number
  readonly id: string
  readonly by?: { readonly user: string; readonly device: string }
  readonly events: readonly HeartbeatCommand[]
}
export type HeartbeatCommand = { readonly type: string } & Readonly<Record<string, unknown>>

/** One tracker's answers at the end, with the others stopped, about everything in the log. */
export interface Testimony {
  readonly tracker: string
  readonly seq: number
  readonly digest: string
  /** Its digest stands for the rows that it has. */
  readonly isDigestTrue: boolean
  /** As `Entry.params` and `Entry.answer.result` of reads. */
  readonly reads: readonly { user: string; method: string; params: Entry['params']; result: unknown }[]
  /** Questions that it should have answered and did not. */
  readonly unanswered: readonly string[]
}

export interface Delivered {
  readonly device: string
  readonly name: string
  readonly expected: string
  /** SHA-256 of the file on disk, or why there is none. */
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
