// The brokers that an agent tries: those it was started with, and those that its connections told of, which the home keeps
// for the next time.

import type { Logger } from 'pino'
import { alike } from '../client/broker-trust.ts'
import { distinctServers } from '../client/server-list.ts'
import type { Home } from '../device/home.ts'

export class BrokerAddresses {
  readonly #home: Pick<Home, 'saveServers'>
  readonly #given: readonly string[]
  readonly #log: Logger
  #told: readonly string[] = []

  constructor(home: Pick<Home, 'saveServers'>, given: readonly string[], log: Logger) {
    this.#home = home
    this.#given = given
    this.#log = log
  }

  get all(): string[] {
    return distinctServers([...this.#given, ...this.#told])
  }

  /** `told`: the client addresses of the cluster's brokers, as one of them gives them. */
  learn(told: readonly string[]): void {
    this.#told = alike(told, this.#given)
    try {
      this.#home.saveServers(this.all)
    } catch (error) {
      this.#log.warn({ err: error }, "the brokers' addresses could not be kept for the next time")
    }
  }
}
