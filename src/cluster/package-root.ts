// Where this package's own files are: the root of a checkout, or the folder of the installed package.

import { existsSync } from 'node:fs'
import { homedir } from 'node:os'
import { dirname, join, sep } from 'node:path'

function find(folder: string): string {
  if (existsSync(join(folder, 'nats-server.conf'))) return folder
  if (dirname(folder) === folder) throw new Error('bug: nats-server.conf is missing from the package')
  return find(dirname(folder))
}

const root = find(import.meta.dirname)

/** The configuration that all brokers share. */
export const sharedBrokerConfig: string = join(root, 'nats-server.conf')
export const shoalProgram: string = join(root, 'bin', 'shoal.js')
/** The program that fetches nats-server into a folder when the machine has none. */
export const natsServerFetcher: string = join(root, 'scripts', 'fetch-nats-server.mjs')
/** That folder: inside a checkout, or in the user's cache for an installed package, which an update may replace. */
export const cacheFolder: string = root.split(sep).includes('node_modules')
  ? join(process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shoal')
  : join(root, '.cache')
export const cachedNatsServer: string = join(cacheFolder, 'nats-server', 'nats-server')
/** The visualizer's built page. */
export const pageFolder: string = join(root, 'dist', 'visualizer')
export const packageFile: string = join(root, 'package.json')
