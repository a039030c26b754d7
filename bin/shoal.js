#!/usr/bin/env node
// Starts the command line on a Node that can run it: this one, or else the one installed with our packages. Plain
// JavaScript for Node 18 and newer; imports our code only after checking that this Node can run it.

import { spawn } from 'node:child_process'
import { existsSync, mkdirSync } from 'node:fs'
import module, { createRequire } from 'node:module'
import { homedir } from 'node:os'
import { join, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const [major, minor] = process.versions.node.split('.').map(Number)
const isRecent = major > 22 || (major === 22 && minor >= 18)

if (isRecent) {
  rememberCompiled()
  // A checkout runs from its sources, or from its build if it is told to; the package that people install has that alone.
  const source = new URL('../src/cli/main.ts', import.meta.url)
  const isBuilt = process.env.SHOAL_BUILT || !existsSync(source)
  await import(isBuilt ? new URL('../dist/program/main.js', import.meta.url).href : source.href)
} else {
  startAgain(packagedNode())
}

/** Turns on Node's compile cache, so that commands start sooner. Without a writable folder they just start more slowly. */
function rememberCompiled() {
  const root = fileURLToPath(new URL('..', import.meta.url))
  try {
    // Never Node's default, a folder shared by all users: code that another user put there would run.
    const folders = root.split(sep).includes('node_modules')
      ? [process.env.XDG_CACHE_HOME || join(homedir(), '.cache'), 'shoal', 'compiled']
      : [join(root, '.cache'), 'compiled']
    // One by one: a recursive mkdir never returns if the system reports the parent folder as missing.
    const cache = folders.reduce((above, name) => join(made(above), name))
    module.enableCompileCache?.(made(cache))
    // Write the cache early: an agent or a tracker may run for months and then be killed.
    setTimeout(() => module.flushCompileCache?.(), 3_000).unref()
  } catch {}
}

function made(folder) {
  if (!existsSync(folder)) mkdirSync(folder, { mode: 0o700 })
  return folder
}

function packagedNode() {
  const platform = `${process.platform}-${process.arch}`
  for (const name of [`node-${platform}`, `node-bin-${platform}`]) {
    try {
      return createRequire(import.meta.url).resolve(`${name}/bin/node`)
    } catch {}
  }
  console.error(
    `shoal needs Node 22.18 or newer; this is ${process.versions.node}. Install one from https://nodejs.org`,
  )
  process.exit(1)
}

function startAgain(node) {
  const child = spawn(node, [fileURLToPath(import.meta.url), ...process.argv.slice(2)], { stdio: 'inherit' })
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP', 'SIGQUIT', 'SIGUSR1', 'SIGUSR2']) {
    // A terminal sends these signals to the child itself.
    const reachesChild = process.stdin.isTTY && (signal === 'SIGINT' || signal === 'SIGQUIT')
    process.on(signal, () => reachesChild || child.kill(signal))
  }
  child.on('error', error => {
    console.error(`shoal could not start ${node}: ${error.message}`)
    process.exit(1)
  })
  child.on('exit', (code, signal) => {
    if (signal === null) process.exit(code)
    process.removeAllListeners(signal)
    process.kill(process.pid, signal)
  })
}
