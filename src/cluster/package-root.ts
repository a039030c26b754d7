// Where this package's own files are: a checkout's root, or the folder it was installed to.

import { existsSync } from 'node:fs'
import { dirname, join } from 'node:path'

function find(folder: string): string {
  if (existsSync(join(folder, 'nats-server.conf'))) return folder
  if (dirname(folder) === folder) throw new Error('bug: nats-server.conf is missing from the package')
  return find(dirname(folder))
}

const root = find(import.meta.dirname)

/** What every broker starts from. */
export const sharedBrokerConfig: string = join(root, 'nats-server.conf')
export const shoalProgram: string = join(root, 'bin', 'shoal.js')
/** Where the set-up puts a nats-server when the machine has none. */
export const cachedNatsServer: string = join(root, '.cache', 'nats-server', 'nats-server')
export const packageFile: string = join(root, 'package.json')
