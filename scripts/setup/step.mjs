// How the set-up does anything: it says what, shows that it is still busy, and says how it ended. A program's output is
// kept for the case that it fails.

import { spawn } from 'node:child_process'

/** Its message tells a person what is wrong and what to do. */
export class SetupFailed extends Error {}

const stillEveryMs = 5_000

/**
 * Says `title`, runs `work`, and says whether it is done or failed, and after how long. Work fails by throwing, or by
 * returning `{ ok: false }` or a reason, `{ why }`.
 */
export async function step(title, work) {
  const startedAt = Date.now()
  const seconds = () => `${((Date.now() - startedAt) / 1000).toFixed(1)} s`
  console.log(`set-up: ${title} …`)
  const still = setInterval(() => console.log(`set-up: ${title}: still busy after ${seconds()}`), stillEveryMs)
  let hasFailed = true
  try {
    const result = await work()
    hasFailed = result?.ok === false || result?.why !== undefined
    return result
  } finally {
    clearInterval(still)
    console.log(`set-up: ${title}: ${hasFailed ? 'failed after' : 'done in'} ${seconds()}`)
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
