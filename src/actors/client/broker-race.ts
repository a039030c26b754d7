// The race for a first connection. Brokers are dialled in turn: the next one as soon as one fails, or stays silent for a
// while, so that a broker which stands still costs little. The first that lets us in wins. Knows nothing of NATS.

import { bareAddress } from './server-list.ts'

/** How one attempt failed. */
export type DialFailure =
  /** Nothing listens there, or the address leads nowhere. */
  | 'absent'
  /** It says nothing: the broker stands still, or the network drops packets. */
  | 'silent'
  /** The broker speaks, but no tracker told it in time whether to let us in. */
  | 'untended'
  | 'untrusted'
  /** The broker refused the login. */
  | 'refused'

export type Dialled<C> =
  | { readonly kind: 'connected'; readonly connection: C }
  | {
      readonly kind: DialFailure
      readonly cause: unknown
      /** Further brokers of the cluster, as far as this one told. */
      readonly others: readonly string[]
    }

/** No broker let us in. `kind` is the failure that says most. */
export type RaceLost = { readonly kind: DialFailure; readonly cause: unknown }

export interface RaceSettings<C> {
  /** Never rejects. `onGreeting` is for the moment in which the broker speaks. */
  dial(server: string, onGreeting: () => void): Promise<Dialled<C>>
  /** Disposes of a connection that came too late. */
  discard(connection: C): void
  /** How long a silent broker is waited for before the next one is tried beside it. */
  readonly nextAfterMs: number
  /** How long brokers are tried again while one may yet let us in. 0: each is tried once. */
  readonly withinMs: number
}

interface Entrant {
  readonly server: string
  startedAt?: number
  isPending?: boolean
  /** How the last attempt failed, or would fail if it ended now. */
  failure?: RaceLost
}

/** All brokers ask the same trackers, so two refusals are enough. */
const enoughRefusals = 2
/** Most telling first. */
const byMeaning: readonly DialFailure[] = ['refused', 'untended', 'untrusted', 'silent', 'absent']
/** A broker that failed like this may let us in a moment later. */
const mayPass = (failure: RaceLost | undefined) => failure?.kind === 'silent' || failure?.kind === 'untended'

export class BrokerRace<C> {
  readonly #settings: RaceSettings<C>
  readonly #entrants = new Map<string, Entrant>()
  readonly #end = Promise.withResolvers<{ readonly kind: 'connected'; readonly connection: C } | RaceLost>()
  #refusals = 0
  #isOver = false
  #next: NodeJS.Timeout | undefined
  #deadline: NodeJS.Timeout | undefined

  constructor(servers: readonly string[], settings: RaceSettings<C>) {
    this.#settings = settings
    this.#enter(servers)
  }

  run() {
    const { withinMs } = this.#settings
    if (withinMs > 0) this.#deadline = setTimeout(() => this.#lose(), withinMs)
    this.#advance()
    return this.#end.promise
  }

  #enter(servers: readonly string[]): void {
    for (const server of servers) {
      const address = bareAddress(server)
      if (!this.#entrants.has(address)) this.#entrants.set(address, { server })
    }
  }

  /** Dials the next broker once its turn has come. Called again whenever an attempt ends or time has passed. */
  #advance(): void {
    clearTimeout(this.#next)
    const entrants = [...this.#entrants.values()]
    const isAnyPending = entrants.some(({ isPending }) => isPending)
    const next = this.#nextOf(entrants.filter(({ isPending }) => !isPending))
    if (!next) {
      if (!isAnyPending) this.#lose()
      return
    }
    const { nextAfterMs } = this.#settings
    const dueInMs = next.startedAt === undefined ? 0 : next.startedAt + nextAfterMs - Date.now()
    if (dueInMs <= 0) void this.#dial(next)
    this.#next = setTimeout(() => this.#advance(), dueInMs > 0 ? Math.min(dueInMs, nextAfterMs) : nextAfterMs)
  }

  /** One that was not tried yet, or else the one that was tried the longest ago, if that may help. */
  #nextOf(idle: readonly Entrant[]): Entrant | undefined {
    const fresh = idle.find(({ startedAt }) => startedAt === undefined)
    if (fresh || this.#settings.withinMs === 0) return fresh
    const isHopeless = idle.length === this.#entrants.size && !idle.some(({ failure }) => mayPass(failure))
    return isHopeless ? undefined : idle.toSorted((a, b) => a.startedAt! - b.startedAt!)[0]
  }

  async #dial(entrant: Entrant): Promise<void> {
    entrant.startedAt = Date.now()
    entrant.isPending = true
    const dialled = await this.#settings.dial(entrant.server, () => {
      entrant.failure = { kind: 'untended', cause: undefined }
    })
    entrant.isPending = false
    if (dialled.kind === 'connected') {
      if (this.#isOver) this.#settings.discard(dialled.connection)
      else this.#finish(dialled)
      return
    }
    if (this.#isOver) return
    entrant.failure = dialled
    this.#enter(dialled.others)
    if (dialled.kind === 'refused') this.#refusals += 1
    if (this.#refusals >= enoughRefusals) this.#lose()
    else this.#advance()
  }

  #lose(): void {
    const failures = [...this.#entrants.values()].flatMap(({ failure }) => failure ?? [])
    const ranked = failures.toSorted((a, b) => byMeaning.indexOf(a.kind) - byMeaning.indexOf(b.kind))
    const { kind, cause } = ranked[0] ?? { kind: 'silent' as const, cause: undefined }
    this.#finish({ kind, cause })
  }

  #finish(end: { readonly kind: 'connected'; readonly connection: C } | RaceLost): void {
    this.#isOver = true
    clearTimeout(this.#next)
    clearTimeout(this.#deadline)
    this.#end.resolve(end)
  }
}
