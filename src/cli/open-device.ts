// Opens this device's folder and gathers what commands need there. Nothing connects before a command asks for it.

import { type Home, openHome } from '../actors/device/home.ts'
import { clusterFolder } from '../cluster/cluster-folder.ts'
import { findPlan, serversOf } from '../cluster/cluster-plan.ts'
import { done } from '../domain/refusal.ts'
import type { DeviceContext } from './context.ts'
import { DeviceConnector } from './device-connection.ts'
import { establishTrust } from './establish-trust.ts'
import type { ProcessIo } from './process-io.ts'
import { PromptLeft } from './prompt-left.ts'
import type { Result } from './result.ts'
import { adviceFor, serversToTry, splitServers } from './servers.ts'

export interface OpenDeviceOptions extends Omit<ProcessIo, 'stdout'> {
  readonly folder: string
  /** --servers. */
  readonly servers?: string
  readonly passwordStdin?: boolean
}

export function openDevice(options: OpenDeviceOptions): Result<DeviceContext> {
  try {
    return done(contextOf(openHome(options.folder), options))
  } catch (error) {
    const message = `the folder ${options.folder} cannot be used: ${(error as Error).message}; choose another with --home`
    return { ok: false, code: 'home-unusable', message }
  }
}

function contextOf(home: Home, { servers, passwordStdin, env, stdin, stderr }: OpenDeviceOptions): DeviceContext {
  const named = splitServers(servers ?? env.SHOAL_SERVERS)
  const ofCluster = serversOfCluster(clusterFolder({ home }))
  const toTry = serversToTry(named.servers, home.servers(), ofCluster)
  const advice = adviceFor(named.servers, toTry, ofCluster)
  const brokers = {
    servers: toTry,
    trust: establishTrust(home, toTry, named.fingerprint, advice.noBroker, text => stderr.write(`${text}\n`)),
    advice,
  }
  const connector = new DeviceConnector(home, brokers)
  return {
    home,
    ...brokers,
    connect: () => connector.connect(),
    disconnect: () => connector.disconnect(),
    isShell: false,
    confirm: stdin.isTTY && stderr.isTTY && !passwordStdin ? askYesOrNo : undefined,
    passwordSources: {
      environment: env.SHOAL_PASSWORD,
      newEnvironment: env.SHOAL_NEW_PASSWORD,
      input: passwordStdin ? stdin : undefined,
      prompt: stdin.isTTY && stderr.isTTY ? askHidden : undefined,
    },
  }
}

/** A damaged plan is for the cluster's own commands to report. */
function serversOfCluster(folder: string): string[] {
  try {
    const plan = findPlan(folder)
    return plan ? serversOf(plan) : []
  } catch {
    return []
  }
}

/** On standard error, so that the result can be piped. Anything but a yes is a no. */
async function askYesOrNo(question: string): Promise<boolean> {
  const { createInterface } = await import('node:readline')
  const line = createInterface({ input: process.stdin, output: process.stderr })
  const { promise, resolve, reject } = Promise.withResolvers<string>()
  line.question(`${question} [y/N] `, resolve)
  line.once('close', () => reject(new PromptLeft()))
  try {
    return /^y(es)?$/i.test((await promise).trim())
  } finally {
    line.close()
  }
}

/** On standard error, so that the result can be piped. */
async function askHidden(question: string): Promise<string> {
  const { default: password } = await import('@inquirer/password')
  return password(
    // The question stands where an icon would: a space follows that even when there is none.
    { message: '', mask: false, toggleMask: false, theme: { prefix: question, style: { maskedText: '' } } },
    { output: process.stderr, clearPromptOnDone: true },
  )
}
