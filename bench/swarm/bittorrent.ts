// aria2 and libtorrent (Debian's aria2, python3-libtorrent, mktorrent), with announce.ts as tracker on host 0. They get the
// settings that make them fast here: no limits, large buffers, no DHT, no encryption.

import { spawnSync } from 'node:child_process'
import { chmodSync, linkSync, mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { type Client, lineOf, type Stage, type Swarm } from './client.ts'

const trackerPort = 6969
/** Shoal's piece length for files up to 1 GiB: 2^19. */
const pieceBits = 19
/** Distinct, because on loopback all peers are on one machine. */
const portOf = (host: number) => String(6900 + host)

const runs = (...command: [string, ...string[]]) => spawnSync(command[0], command.slice(1)).error === undefined
const whyNoTorrents = () => (runs('mktorrent', '-h') ? undefined : 'mktorrent is not installed')

type Command = (torrent: string, folder: string, host: number, role: 'seed' | 'leech') => readonly string[]

async function openSwarm({ hosts, folder, payload, seeds }: Stage, commandOf: Command): Promise<Swarm> {
  const tracker = hosts.spawn(0, [process.execPath, join(import.meta.dirname, 'announce.ts'), String(trackerPort)], {
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  await lineOf(tracker, 'listening')
  const ready = lineOf(tracker, `peers ${seeds}`)
  ready.catch(() => {})
  const torrent = join(folder, 'payload.torrent')
  const announce = `http://${hosts.address(0)}:${trackerPort}/announce`
  await hosts.run(0, ['mktorrent', '-l', String(pieceBits), '-a', announce, '-o', torrent, payload])
  const children = [tracker]

  const start = (host: number, role: 'seed' | 'leech') => {
    const own = join(folder, `d${host}`)
    mkdirSync(own)
    if (role === 'seed') linkSync(payload, join(own, 'payload.bin'))
    const child = hosts.spawn(host, commandOf(torrent, own, host, role), { stdio: ['ignore', 'pipe', 'inherit'] })
    children.push(child)
    return child
  }
  return {
    seed: async host => start(host, 'seed').pid!,
    seedsReady: () => ready,
    leech(host) {
      const child = start(host, 'leech')
      return { pid: child.pid!, whole: lineOf(child, 'whole').then(() => {}) }
    },
    async [Symbol.asyncDispose]() {
      for (const child of children) child.kill('SIGKILL')
    },
  }
}

export const aria2: Client = {
  missing: () => (runs('aria2c', '--version') ? whyNoTorrents() : 'aria2 is not installed'),
  open(stage) {
    const hook = join(stage.folder, 'whole.sh')
    writeFileSync(hook, '#!/bin/sh\necho whole\n')
    chmodSync(hook, 0o755)
    return openSwarm(stage, (torrent, folder, host, role) => [
      ...['aria2c', '--no-conf', '--quiet=true', '--summary-interval=0', `--dir=${folder}`],
      ...['--enable-dht=false', '--enable-dht6=false', '--bt-enable-lpd=false', `--listen-port=${portOf(host)}`],
      ...['--bt-max-peers=0', '--bt-tracker-interval=2', '--seed-ratio=0.0', '--disk-cache=64M'],
      ...['--file-allocation=none', '--allow-overwrite=true'],
      ...(role === 'seed'
        ? ['--bt-seed-unverified=true', '--check-integrity=false']
        : [`--on-bt-download-complete=${hook}`]),
      torrent,
    ])
  },
}

/** Debian's packages need Debian's own Python, whatever else is on the PATH. */
const python = '/usr/bin/python3'

export const libtorrent: Client = {
  missing: () =>
    spawnSync(python, ['-c', 'import libtorrent']).status === 0
      ? whyNoTorrents()
      : 'python3-libtorrent is not installed',
  open: stage =>
    openSwarm(stage, (torrent, folder, host, role) => [
      ...[python, join(import.meta.dirname, 'libtorrent-peer.py')],
      ...[torrent, folder, portOf(host), role],
    ]),
}
