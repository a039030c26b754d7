// Makes a fresh checkout ready, then runs a command in it: node scripts/setup.mjs [command [argument…]]
// Plain JavaScript without dependencies, since it runs before any are installed, on any Node from 18 on. The command runs on
// the Node that the packages bring. With nothing missing this takes a fraction of a second.

import { spawn } from 'node:child_process'
import { constants } from 'node:os'
import { delimiter, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ensureNatsServer } from './setup/nats-server.mjs'
import { ensurePackages } from './setup/packages.mjs'
import { ensurePage } from './setup/page.mjs'
import { SetupFailed } from './setup/step.mjs'

const root = fileURLToPath(new URL('..', import.meta.url))
const [command, ...args] = process.argv.slice(2)
const env = { ...process.env, PATH: `${join(root, 'node_modules', '.bin')}${delimiter}${process.env.PATH}` }

// The broker comes from elsewhere than the packages, so both are fetched at once. Neither is left half-done when the other fails.
const prepared = await Promise.allSettled([
  ensurePackages(root, env).then(() => ensurePage(root, env)),
  ensureNatsServer(join(root, '.cache'), env),
])
for (const { status, reason } of prepared) {
  if (status === 'fulfilled') continue
  if (!(reason instanceof SetupFailed)) throw reason
  console.error(`set-up failed: ${reason.message}`)
  process.exitCode = 1
}
if (process.exitCode) process.exit()

if (command === undefined) {
  console.log('ready: npm test, npm run demo, npm start')
} else {
  const child = spawn(command, args, { cwd: root, env, stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP']) {
    // A terminal sends Ctrl-C to the child as well.
    process.on(signal, () => (process.stdin.isTTY && signal === 'SIGINT') || child.kill(signal))
  }
  child.on('error', error => {
    console.error(`cannot run ${command}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => process.exit(code ?? 128 + constants.signals[signal]))
}
