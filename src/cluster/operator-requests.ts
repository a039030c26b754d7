// What an operator asks of the trackers (wire/operator-api.ts), from a folder that holds the cluster's secrets. Each request is
// repeated until a tracker answers, and acts once.

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { join } from 'node:path'
import type { NatsConnection } from 'nats'
import { BrokerUnreachable, LoginRefused } from '../actors/client/broker-connection.ts'
import { askPersistently } from '../actors/client/tracker-client.ts'
import { done, type Outcome, refuse } from '../domain/refusal.ts'
import {
  type OperatorMethod,
  type OperatorParams,
  type OperatorResult,
  type OperatorRow,
  operatorMethods,
} from '../wire/operator-api.ts'
import { inboxPrefix, operatorAsking, operatorSubject } from '../wire/subjects.ts'
import { ClusterFailure } from './cluster-failure.ts'
import { findPlan, serversOf } from './cluster-plan.ts'
import { connectOperator } from './operator.ts'
import { loadSecrets } from './secrets.ts'

export interface ClusterHome {
  /** Holds the cluster's secrets. */
  readonly folder: string
  /** Where its brokers are, unless the folder's plan says so. */
  readonly servers: readonly string[]
}

/** Refuses as the trackers do, or with `unreachable`. Throws ClusterFailure and BrokerUnreachable. */
export const askAsOperator = <M extends OperatorMethod>(
  home: ClusterHome,
  method: M,
  params: OperatorParams<M>,
): Promise<Outcome<OperatorResult<M>>> => connected(home, connection => ask(connection, method, params))

/** Every account, by user id. Refuses and throws as `askAsOperator` does. */
export const listUsers = (home: ClusterHome): Promise<Outcome<OperatorRow<'user.list'>[]>> =>
  connected(home, async connection => {
    const users: OperatorRow<'user.list'>[] = []
    for (let after: string | undefined; ; ) {
      const page = await ask(connection, 'user.list', after === undefined ? {} : { after })
      if (!page.ok) return page
      users.push(...page.value.rows)
      after = page.value.next
      if (after === undefined) return done(users)
    }
  })

async function connected<T>(
  { folder, servers: elsewhere }: ClusterHome,
  act: (connection: NatsConnection) => Promise<T>,
): Promise<T> {
  if (!existsSync(join(folder, 'secrets.json')))
    throw new ClusterFailure(
      'no-cluster',
      `only the operator can do this, and ${folder} does not hold a cluster's secrets; run it where the cluster runs, or name the --home that holds it`,
    )
  const plan = findPlan(folder)
  const secrets = loadSecrets(folder)
  const servers = plan ? serversOf(plan) : elsewhere
  const connection = await connectOperator(servers, secrets).catch(cause => {
    if (cause instanceof LoginRefused)
      throw new ClusterFailure(
        'no-cluster',
        `the brokers do not accept the secrets in ${folder}; copy secrets.json again from the machine that rotated them`,
        { cause },
      )
    if (!(cause instanceof BrokerUnreachable)) throw cause
    const advice = plan ? 'start the cluster with shoal cluster up' : 'name one that runs with --servers'
    throw new BrokerUnreachable(`no broker answers at ${servers.join(', ')}; ${advice}`, { cause })
  })
  try {
    return await act(connection)
  } finally {
    await connection.close()
  }
}

async function ask<M extends OperatorMethod>(
  connection: NatsConnection,
  method: M,
  params: OperatorParams<M>,
): Promise<Outcome<OperatorResult<M>>> {
  const request = { id: randomUUID(), params }
  const answer = await askPersistently(connection, inboxPrefix(operatorAsking.user), operatorSubject(method), request)
  if (!answer.ok) return answer
  const reply = answer.value
  if (!reply.ok) return refuse(reply.code, reply.message)
  const result = operatorMethods[method].result.safeParse(reply.result)
  return result.success
    ? done(result.data as OperatorResult<M>)
    : refuse('unreachable', `a tracker answered ${method} in a form that this version does not know; update shoal`)
}
