// The hosts of a swarm: each a network namespace on one bridge, with a rate where one is set. Without root or iproute2 all
// of them are this machine, on loopback, where nothing can be limited. Removing a host ends whatever runs in its
// namespace. Names carry this process's id, so hosts of other processes are never touched.

import { type ChildProcess, execFile, type SpawnOptions, spawn, spawnSync } from 'node:child_process'
import { promisify } from 'node:util'

const exec = promisify(execFile)
const ip = (...args: string[]) => exec('ip', args)

export interface Hosts extends AsyncDisposable {
  address(host: number): string
  spawn(host: number, command: readonly string[], options?: SpawnOptions): ChildProcess
  /** Its standard output; rejects when it fails. */
  run(host: number, command: readonly string[], env?: NodeJS.ProcessEnv): Promise<string>
  /** Both ways, in Mbit/s. */
  limit(host: number, rate: number): Promise<void>
  /** Pulls the host's cable, and puts it back. */
  cut(host: number): Promise<void>
  mend(host: number): Promise<void>
  /** Between these two hosts only, both ways. */
  sever(one: number, other: number): Promise<void>
  rejoin(one: number, other: number): Promise<void>
}

/** Why this machine cannot have separate hosts; undefined when it can. */
export function whyNoNamespaces(): string | undefined {
  if (process.getuid?.() !== 0) return 'network namespaces need root'
  const probe = spawnSync('ip', ['netns', 'list'])
  return probe.error || probe.status !== 0 ? 'network namespaces need iproute2' : undefined
}

const runOn = async (command: readonly string[], env?: NodeJS.ProcessEnv): Promise<string> => {
  const [program, ...args] = command as [string, ...string[]]
  return (await exec(program, args, { env: { ...process.env, ...env }, timeout: 120_000 })).stdout
}

export function loopbackHosts(): Hosts {
  const impossible = () => Promise.reject(new Error('bug: loopback has neither rate nor cable'))
  return {
    address: () => '127.0.0.1',
    spawn: (_, [program, ...args], options) => spawn(program!, args, options ?? {}),
    run: (_, command, env) => runOn(command, env),
    limit: impossible,
    cut: impossible,
    mend: impossible,
    sever: impossible,
    rejoin: impossible,
    [Symbol.asyncDispose]: async () => {},
  }
}

export const namespaceOf = (prefix: string, host: number): string => `${prefix}-${host}`
const bridgeOf = (prefix: string) => `${prefix}-bridge`

/** Ends whatever runs on hosts of that prefix, and removes the hosts. */
export async function removeNamespaces(prefix: string): Promise<void> {
  const { stdout: listed } = await ip('netns', 'list')
  const ours = listed.split('\n').map(line => line.split(' ')[0]!)
  for (const name of ours.filter(name => name.startsWith(`${prefix}-`))) {
    const { stdout } = await ip('netns', 'pids', name)
    for (const pid of stdout.split('\n').filter(Boolean)) {
      try {
        process.kill(Number(pid), 'SIGKILL')
      } catch {}
    }
    await ip('netns', 'del', name)
  }
}

/** Hosts 0 to `count` - 1. */
export async function namespaceHosts(count: number, prefix = `shoal-bench-${process.pid}`): Promise<Hosts> {
  const bridge = bridgeOf(prefix)
  const make = async (name: string) => {
    await ip('netns', 'add', name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  try {
    await make(bridge)
    await ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge')
    await ip('-n', bridge, 'link', 'set', 'br0', 'up')
    for (let host = 0; host < count; host += 1) {
      const name = namespaceOf(prefix, host)
      await make(name)
      await ip('-n', bridge, 'link', 'add', `p${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await ip('-n', bridge, 'link', 'set', `p${host}`, 'master', 'br0', 'up')
      await ip('-n', name, 'addr', 'add', `${addressOf(host)}/16`, 'dev', 'eth0')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      await ip('-n', name, 'route', 'add', 'default', 'dev', 'eth0')
    }
  } catch (error) {
    await removeNamespaces(prefix)
    throw error
  }
  return hostsOf(prefix)
}

const addressOf = (host: number) => `10.78.${Math.floor(host / 250)}.${(host % 250) + 1}`

/** The hosts made under this prefix, by this process or another. */
export function hostsOf(prefix: string): Hosts {
  const bridge = bridgeOf(prefix)
  const nameOf = (host: number) => namespaceOf(prefix, host)
  const within = (host: number, command: readonly string[]) => ['ip', 'netns', 'exec', nameOf(host), ...command]
  const bothWays = async (one: number, other: number, verb: 'replace' | 'del') => {
    await ip('-n', nameOf(one), 'route', verb, 'blackhole', `${addressOf(other)}/32`)
    await ip('-n', nameOf(other), 'route', verb, 'blackhole', `${addressOf(one)}/32`)
  }
  return {
    address: addressOf,
    spawn(host, command, options) {
      const [program, ...args] = within(host, command)
      return spawn(program!, args, options ?? {})
    },
    run: (host, command, env) => runOn(within(host, command), env),
    async limit(host, rate) {
      // The host's end of the cable limits sending, the bridge's end receiving.
      const shape = ['root', 'tbf', 'rate', `${rate}mbit`, 'burst', '256kb', 'latency', '100ms']
      await exec('ip', ['netns', 'exec', nameOf(host), 'tc', 'qdisc', 'replace', 'dev', 'eth0', ...shape])
      await exec('ip', ['netns', 'exec', bridge, 'tc', 'qdisc', 'replace', 'dev', `p${host}`, ...shape])
    },
    cut: async host => void (await ip('-n', bridge, 'link', 'set', `p${host}`, 'down')),
    mend: async host => void (await ip('-n', bridge, 'link', 'set', `p${host}`, 'up')),
    sever: (one, other) => bothWays(one, other, 'replace'),
    rejoin: (one, other) => bothWays(one, other, 'del'),
    [Symbol.asyncDispose]: () => removeNamespaces(prefix),
  }
}
