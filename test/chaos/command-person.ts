// A person with a device, an agent and the command line: the commands themselves, as bin/shoal.js would run them, in
// this process. Each outcome goes into the history, and every file that arrives is compared with what was shared.

import { hash } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { openHome } from '../../src/actors/device/home.ts'
import type { Command, Input } from '../../src/cli/command.ts'
import { commands } from '../../src/cli/commands.ts'
import type { Context } from '../../src/cli/context.ts'
import { DeviceConnector } from '../../src/cli/device-connection.ts'
import { establishTrust } from '../../src/cli/establish-trust.ts'
import type { Result } from '../../src/cli/result.ts'
import type { Outcome } from '../../src/domain/refusal.ts'
import type { Entry } from './check/history.ts'
import { answerOf, type Recorder } from './light-person.ts'

export interface CommandPerson {
  readonly user: string
  /** Runs `words` ("group create") with that input and records the outcome. */
  run<T = unknown>(words: string, input?: Input): Promise<Result<T>>
  close(): Promise<void>
}

/** Commands that are requests to trackers, under their names in the history. The others are for the agent, or purely local. */
const methodOf: Readonly<Record<string, string>> = {
  signup: 'signup',
  login: 'login',
  logout: 'device.logout',
  'group create': 'group.create',
  'group join': 'group.join',
  'group leave': 'group.leave',
  'group accept': 'group.accept',
  'group reject': 'group.reject',
  'group remove': 'group.remove',
  'group transfer': 'group.transfer',
  share: 'share.add',
  unshare: 'share.remove',
  files: 'group.files',
  'group list': 'group.list',
  'group members': 'group.members',
  'group requests': 'group.requests',
}

export function createCommandPerson(
  user: string,
  homeFolder: string,
  servers: readonly string[],
  recorder: Recorder,
  /** Its disk is never full, so what it has seen is in its home. */
  keepsWhatItSaw: boolean,
): CommandPerson {
  const home = openHome(homeFolder)
  const trust = establishTrust(home, servers, undefined, '', () => {})
  const brokers = { servers, trust, advice: { noBroker: 'this test runs them', noTracker: 'and those' } }
  const connector = new DeviceConnector(home, brokers)
  const nothing = () => {}
  const context: Context = {
    home,
    ...brokers,
    connect: () => connector.connect(),
    disconnect: () => connector.disconnect(),
    isShell: true,
    passwordSources: {},
    passwords: { ask: async () => ({ ok: true, value: `the password of ${user}` }) },
    display: {
      json: true,
      result: nothing,
      progress: nothing,
      endProgress: nothing,
      whileWaiting: (_, work) => work,
      note: nothing,
      hint: nothing,
      failure: nothing,
    },
    signal: new AbortController().signal,
    leavesBehind: undefined,
  }
  const find = (words: string): Command => {
    const found = commands.find(command => command.name === words)
    if (!found) throw new Error(`bug: there is no command ${words}`)
    return found
  }
  return {
    user,
    async run<T>(words: string, input: Input = {}) {
      const device = home.device()
      const before = home.seen()
      const from = recorder.now()
      let result: Result<unknown>
      try {
        result = await find(words).run(context, { overwrite: false, wait: false, ...input })
      } catch (error) {
        // What the command line says when the disk is full.
        result = { ok: false, code: 'unreachable', message: (error as Error).message }
      }
      const method = methodOf[words]
      if (method !== undefined) {
        const shared = words === 'share' && result.ok ? (result.value as { name: string; sha1: string }) : {}
        const { group, name, user: whom, sha1 } = { ...input, ...shared } as Entry['params']
        const params = {
          ...(group && { group }),
          ...(name && { name }),
          ...(whom && { user: whom }),
          ...(sha1 && { sha1 }),
        }
        // Before its log-in, what the device has seen counts as another cluster's log, so it starts counting again.
        const answer = answerOf(
          result as Outcome<unknown>,
          keepsWhatItSaw && method.startsWith('group.') ? home.seen() : undefined,
        )
        if (answer.kind !== 'refused' && home.seen() >= before)
          recorder.entries.push({ user, device, method, params, from, to: recorder.now(), answer })
      }
      return result as Result<T>
    },
    close: () => connector.disconnect(),
  }
}

export const sha256Of = (path: string): string => hash('sha256', readFileSync(path))
