// A broker's state from its monitoring address on its host; undefined while it does not answer.

export interface BrokerState {
  /** Serves JetStream. */
  readonly isUp: boolean
  readonly leadsLog: boolean
  /** As leader: every other broker has the whole log. */
  readonly othersAreCurrent: boolean
}

interface JetStreamState {
  readonly account_details?: readonly {
    readonly stream_detail?: readonly {
      readonly name: string
      readonly cluster?: {
        readonly leader?: string
        readonly replicas?: readonly { current?: boolean; lag?: number }[]
      }
    }[]
  }[]
}

/** `address` with its secret path. */
export async function stateOf(name: string, address: string): Promise<BrokerState | undefined> {
  const get = async (path: string) => {
    const response = await fetch(`http://${address}${path}`, { signal: AbortSignal.timeout(1_000) })
    return { isOk: response.ok, body: (await response.json()) as unknown }
  }
  try {
    const { isOk } = await get('/healthz?js-enabled-only=true')
    const { body } = await get('/jsz?streams=true&accounts=true')
    const { account_details: accounts = [] } = body as JetStreamState
    const log = accounts.flatMap(({ stream_detail = [] }) => stream_detail).find(({ name }) => name === 'SHOAL')
    const replicas = log?.cluster?.replicas ?? []
    return {
      isUp: isOk,
      leadsLog: log?.cluster?.leader === name,
      othersAreCurrent:
        replicas.length === 2 && replicas.every(({ current, lag = 0 }) => current === true && lag === 0),
    }
  } catch {
    return undefined
  }
}
