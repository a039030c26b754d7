// Follows one NATS connection's status: whether a broker is there, which brokers the cluster has, and whether the broker
// refuses to reconnect because the login is void. A refusal alone does not tell: a tracker may just be starting. It also says
// when a broker has let this device in, but not to what it may always hear: its account was disabled.

import { errors, type NatsConnection } from 'nats'

export interface BrokerStatusNeeds {
  readonly connection: Pick<NatsConnection, 'status' | 'info'>
  /** Finds out whether this device's login is void. */
  isRevoked(): Promise<boolean>
  /** Client addresses of the cluster's brokers. */
  onServers(servers: readonly string[]): void
  onDisconnected(): void
  onReconnected(): void
  onRevoked(): void
  onDenied(): void
}

const isDenial = (error: Error) =>
  error instanceof errors.PermissionViolationError && error.operation === 'subscription'

export class BrokerStatus {
  readonly #needs: BrokerStatusNeeds
  #isConnected = true
  #isChecking = false
  #hasEnded = false

  constructor(needs: BrokerStatusNeeds) {
    this.#needs = needs
  }

  get isConnected(): boolean {
    return this.#isConnected
  }

  /** Resolves when the connection is closed, or at the first status after `end`. */
  async follow(): Promise<void> {
    this.#tellServers()
    for await (const status of this.#needs.connection.status()) {
      if (this.#hasEnded) return
      if (status.type === 'disconnect') {
        this.#isConnected = false
        this.#needs.onDisconnected()
      }
      if (status.type === 'update' || status.type === 'reconnect') this.#tellServers()
      if (status.type === 'error' && status.error instanceof errors.AuthorizationError) this.#checkLogin()
      if (status.type === 'error' && isDenial(status.error)) this.#needs.onDenied()
      if (status.type === 'reconnect') {
        this.#isConnected = true
        this.#needs.onReconnected()
      }
    }
  }

  /** Calls nothing back any more. */
  end(): void {
    this.#hasEnded = true
  }

  #tellServers(): void {
    this.#needs.onServers(this.#needs.connection.info?.connect_urls ?? [])
  }

  async #checkLogin(): Promise<void> {
    if (this.#isConnected || this.#isChecking) return
    this.#isChecking = true
    const isRevoked = await this.#needs.isRevoked().catch(() => false)
    this.#isChecking = false
    if (isRevoked && !this.#isConnected && !this.#hasEnded) this.#needs.onRevoked()
  }
}
