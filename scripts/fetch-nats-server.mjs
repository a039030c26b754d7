// Finds or fetches nats-server for an installed package, which has no set-up: node fetch-nats-server.mjs FOLDER

import { ensureNatsServer } from './setup/nats-server.mjs'
import { SetupFailed } from './setup/step.mjs'

try {
  await ensureNatsServer(process.argv[2], process.env)
} catch (error) {
  if (!(error instanceof SetupFailed)) throw error
  console.log(error.message)
  process.exitCode = 1
}
