// The machines of a swarm: each a network namespace of its own on one bridge, with a rate where one is set; or, without
// root or iproute2, all of them this machine, on loopback, where nothing can be limited. Whatever runs on hosts in
// namespaces is ended with them. Their names carry this process's id, so nobody else's are ever touched.

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
}

/** What keeps this machine from having hosts of their own; undefined when nothing does. */
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
  return {
    address: () => '127.0.0.1',
    spawn: (_, [program, ...args], options) => spawn(program!, args, options ?? {}),
    run: (_, command, env) => runOn(command, env),
    limit: () => Promise.reject(new Error('bug: loopback has no rate')),
    [Symbol.asyncDispose]: async () => {},
  }
}

/** Hosts 0 to `count` - 1. */
export async function namespaceHosts(count: number): Promise<Hosts> {
  const bridge = `shoal-bench-${process.pid}-bridge`
  const nameOf = (host: number) => `shoal-bench-${process.pid}-${host}`
  const made: string[] = []
  const make = async (name: string) => {
    await ip('netns', 'add', name)
    made.push(name)
    await ip('-n', name, 'link', 'set', 'lo', 'up')
  }
  const address = (host: number) => `10.78.${Math.floor(host / 250)}.${(host % 250) + 1}`
  const within = (host: number, command: readonly string[]) => ['ip', 'netns', 'exec', nameOf(host), ...command]

  async function remove(): Promise<void> {
    for (const name of made) {
      const { stdout } = await ip('netns', 'pids', name)
      for (const pid of stdout.split('\n').filter(Boolean)) {
        try {
          process.kill(Number(pid), 'SIGKILL')
        } catch {}
      }
      await ip('netns', 'del', name)
    }
  }

  try {
    await make(bridge)
    await ip('-n', bridge, 'link', 'add', 'br0', 'type', 'bridge')
    await ip('-n', bridge, 'link', 'set', 'br0', 'up')
    for (let host = 0; host < count; host += 1) {
      const name = nameOf(host)
      await make(name)
      await ip('-n', bridge, 'link', 'add', `p${host}`, 'type', 'veth', 'peer', 'name', 'eth0', 'netns', name)
      await ip('-n', bridge, 'link', 'set', `p${host}`, 'master', 'br0', 'up')
      await ip('-n', name, 'addr', 'add', `${address(host)}/16`, 'dev', 'eth0')
      await ip('-n', name, 'link', 'set', 'eth0', 'up')
      await ip('-n', name, 'route', 'add', 'default', 'dev', 'eth0')
    }
  } catch (error) {
    await remove()
    throw error
  }

  return {
    address,
    spawn(host, command, options) {
      const [program, ...args] = within(host, command)
      return spawn(program!, args, options ?? {})
    },
    run: (host, command, env) => runOn(within(host, command), env),
    async limit(host, rate) {
      // The host's end of the cable limits what it sends, the bridge's end what it receives.
      const shape = ['root', 'tbf', 'rate', `${rate}mbit`, 'burst', '256kb', 'latency', '100ms']
      await exec('ip', ['netns', 'exec', nameOf(host), 'tc', 'qdisc', 'replace', 'dev', 'eth0', ...shape])
      await exec('ip', ['netns', 'exec', bridge, 'tc', 'qdisc', 'replace', 'dev', `p${host}`, ...shape])
    },
    [Symbol.asyncDispose]: remove,
  }
}
