// Where this package's own files are: a checkout's root, or the folder it was installed to.

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, sep } from 'node:path'

function find(folder: string): string {
  if (existsSync(join(folder, 'nats-server.conf'))) return folder
  if (dirname(folder) === folder) throw new Error('bug: nats-server.conf is missing from the package')
  return find(dirname(folder))
}

const root = find(import.meta.dirname)

/** What every broker starts from. */
export const sharedBrokerConfig: string = join(root, 'nats-server.conf')
export const shoalProgram: string = join(root, 'bin', 'shoal.js')
/** Gets a nats-server into a folder where the machine has none. */
export const natsServerFetcher: string = join(root, 'scripts', 'fetch-nats-server.mjs')
/** That folder: a checkout's own, or this user's where shoal was installed, as that may be replaced at any time. */
export const cacheFolder: string = root.split(sep).includes('node_modules')
  ? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shoal')
  : join(root, '.cache')
export const cachedNatsServer: string = join(cacheFolder, 'nats-server', 'nats-server')
/** The visualizer's page, built. */
export const pageFolder: string = join(root, 'dist', 'visualizer')
export const packageFile: string = join(root, 'package.json')
