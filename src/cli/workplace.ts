// Opens the device's folder and gathers what commands need there; nothing connects before a command asks for it.

import { type Home, openHome } from '../actors/device/home.ts'
import { clusterFolder } from '../cluster/cluster-folder.ts'
import { findPlan, serversOf } from '../cluster/cluster-plan.ts'
import { done } from '../domain/refusal.ts'
import type { Result } from './command.ts'
import type { LinkKeeper } from './connections.ts'
import type { Workplace } from './context.ts'
import { establishTrust } from './establish-trust.ts'
import type { Surroundings } from './run-arguments.ts'
import { serversToTry, splitServers } from './servers.ts'

export interface WorkplaceOptions extends Pick<Surroundings, 'env' | 'stdin' | 'stderr'> {
  readonly folder: string
  /** --servers. */
  readonly servers?: string
  readonly passwordStdin?: boolean
}

export function openWorkplace(options: WorkplaceOptions): Result<Workplace> {
  try {
    return done(workplaceOf(openHome(options.folder), options))
  } catch (error) {
    const message = `the folder ${options.folder} cannot be used: ${(error as Error).message}; choose another with --home`
    return { ok: false, code: 'home-unusable', message }
  }
}

function workplaceOf(home: Home, { servers, passwordStdin, env, stdin, stderr }: WorkplaceOptions): Workplace {
  const named = splitServers(servers ?? env.SHOAL_SERVERS)
  const toTry = serversToTry(named.servers, home.servers(), serversOfCluster(clusterFolder({ home })))
  const trust = establishTrust(home, toTry, named.fingerprint, text => stderr.write(`${text}\n`))
  const canAsk = stdin.isTTY && stderr.isTTY
  return {
    home,
    servers: toTry,
    ...lazily(async () => (await import('./connections.ts')).createLinkKeeper(home, toTry, trust)),
    trust,
    isShell: false,
    passwordSources: {
      environment: env.SHOAL_PASSWORD,
      input: passwordStdin ? stdin : undefined,
      prompt: canAsk ? askHidden : undefined,
    },
  }
}

/** A damaged plan is for the cluster's own commands to complain of. */
function serversOfCluster(folder: string): string[] {
  try {
    const plan = findPlan(folder)
    return plan ? serversOf(plan) : []
  } catch {
    return []
  }
}

/** The brokers' client takes longer to load than many a command to run. */
function lazily(load: () => Promise<LinkKeeper>): LinkKeeper {
  let loading: Promise<LinkKeeper> | undefined
  return {
    async connect(): ReturnType<LinkKeeper['connect']> {
      loading ??= load()
      return (await loading).connect()
    },
    disconnect: async () => (await loading)?.disconnect(),
  }
}

/** On standard error, so that a result can be piped away meanwhile. */
async function askHidden(question: string): Promise<string> {
  const { default: password } = await import('@inquirer/password')
  return password(
    // The question stands where an icon would: a blank follows that even when there is none.
    { message: '', mask: false, toggleMask: false, theme: { prefix: question, style: { maskedText: '' } } },
    { output: process.stderr, clearPromptOnDone: true },
  )
}
