// How the set-up does anything: it says what, shows that it is still at it, and keeps a program's output for the case
// that it fails.

import { spawn } from 'node:child_process'

/** What is wrong and what to do, for a person. */
export class SetupFailed extends Error {}

const stillEveryMs = 5_000

/** Says `title`, does `work`, says how long it took. */
export async function step(title, work) {
  const startedAt = Date.now()
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(`set-up: ${title} …`)
  const still = setInterval(() => console.log(`set-up: … still at it after ${seconds()}`), stillEveryMs)
  try {
    const result = await work()
    console.log(`set-up: … done in ${seconds()}`)
    return result
  } finally {
    clearInterval(still)
  }
}

/** Never throws: `{ ok, output }`, with what it printed on both streams. */
export function run(program, args, options = {}) {
  return new Promise(resolve => {
    const child = spawn(program, args, { ...options, stdio: ['ignore', 'pipe', 'pipe'] })
    let output = ''
    for (const stream of [child.stdout, child.stderr]) {
      stream.setEncoding('utf8')
      stream.on('data', text => {
        output += text
      })
    }
    child.on('error', error => resolve({ ok: false, output: error.message }))
    child.on('close', code => resolve({ ok: code === 0, output }))
  })
}
