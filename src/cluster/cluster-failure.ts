// Why an operation on a cluster of this machine failed. The message is one line for a person: what happened, then what to
// do.

export type ClusterFailureCode =
  | 'no-nats-server'
  | 'no-cluster'
  | 'no-such-node'
  | 'other-cluster'
  | 'port-in-use'
  | 'not-ready'
  | 'not-stopped'
  | 'no-backup'
  | 'usage'

export class ClusterFailure extends Error {
  override readonly name = 'ClusterFailure'
  readonly code: ClusterFailureCode

  constructor(code: ClusterFailureCode, message: string, options?: ErrorOptions) {
    super(message, options)
    this.code = code
  }
}
