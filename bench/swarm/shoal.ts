// Shoal, driven by its command line: three brokers and two trackers on host 0, one person and one agent on each other host.

import { once } from 'node:events'
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { openHome } from '../../src/actors/device/home.ts'
import { isAlive } from '../../src/actors/device/process-alive.ts'
import type { Client } from './client.ts'

const program = join(import.meta.dirname, '../../bin/shoal.js')
const brokerPort = 14_222
/** Concurrent commands: each is a process, and this is a small machine. */
const atOnce = 2

export const shoal: Client = {
  missing: () => undefined,

  async open({ hosts, folder, payload, seeds, leechers }) {
    const homeOf = (host: number) => join(folder, `home${host}`)
    const envOf = (host: number) => ({
      SHOAL_HOME: homeOf(host),
      SHOAL_SERVERS: `nats://${hosts.address(0)}:${brokerPort}`,
      SHOAL_PASSWORD: `swordfish reef ${host}`,
    })
    const call = (host: number, ...words: string[]) =>
      hosts.run(host, [process.execPath, program, ...words], envOf(host))
    const pidOf = (host: number) => openHome(homeOf(host)).agentPid()!
    const everyHost = Array.from({ length: seeds + leechers }, (_, index) => index + 1)
    const agents: number[] = []

    await call(0, 'cluster', 'up', '--host', hosts.address(0), '--port', String(brokerPort))
    const toDo = [...everyHost]
    const signUp = async () => {
      for (let host = toDo.shift(); host !== undefined; host = toDo.shift()) {
        await call(host, 'signup', `user${host}`)
        await call(host, 'agent', 'start', '--listen', `${hosts.address(host)}:${7000 + host}`)
        agents.push(pidOf(host))
        await call(host, 'login', `user${host}`)
      }
    }
    await Promise.all(Array.from({ length: atOnce }, signUp))
    await call(1, 'group', 'create', 'reef')
    for (const host of everyHost.slice(1)) {
      await call(host, 'group', 'join', 'reef')
      await call(1, 'group', 'accept', 'reef', `user${host}`)
    }

    return {
      async seed(host) {
        await call(host, 'share', payload, 'reef')
        return pidOf(host)
      },
      // The file is on offer, and the trackers have confirmed it.
      seedsReady: async () => {},
      leech(host) {
        const to = join(folder, `d${host}`)
        mkdirSync(to)
        const words = ['download', 'reef', 'payload.bin', to, '--wait', '--json']
        const child = hosts.spawn(host, [process.execPath, program, ...words], {
          env: { ...process.env, ...envOf(host) },
          stdio: ['ignore', 'ignore', 'inherit'],
        })
        const whole = once(child, 'exit').then(([code]) => {
          if (code !== 0) throw new Error(`shoal download on host ${host} ended with ${code}`)
        })
        return { pid: pidOf(host), whole }
      },
      async [Symbol.asyncDispose]() {
        for (const pid of agents) if (isAlive(pid)) process.kill(pid, 'SIGTERM')
        await call(0, 'cluster', 'down')
      },
    }
  },
}
