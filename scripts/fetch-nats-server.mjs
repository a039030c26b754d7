// Provides a nats-server where shoal was installed as a package, which sets nothing up: node fetch-nats-server.mjs FOLDER

import { ensureNatsServer } from './setup/nats-server.mjs'
import { SetupFailed } from './setup/step.mjs'

try {
  await ensureNatsServer(process.argv[2], process.env)
} catch (error) {
  if (!(error instanceof SetupFailed)) throw error
  console.log(error.message)
  process.exitCode = 1
}
