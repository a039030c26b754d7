// The visualizer's page in a real browser: `shoal visualizer` on a device's home, opened at the address it prints. One
// browser for a whole test file; whatever the page complains of, a policy that was broken included, fails the test.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import type { ExecutionContext } from 'ava'
import { type Browser, chromium, type Page } from 'playwright-core'
import { type Chromium, findChromium } from '../../scripts/setup/chromium.ts'

const shoal = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url))

/** Undefined, and said why, where no browser can be had. */
export async function aBrowser(): Promise<Chromium | undefined> {
  const found = await findChromium()
  if (!('why' in found)) return found
  console.log(`without a browser: ${found.why}`)
  return undefined
}

export const launch = ({ program, env }: Chromium): Promise<Browser> =>
  chromium.launch({
    executablePath: program,
    env: { ...process.env, ...env },
    // Chromium's own sandbox does not start for an administrator; all that it opens here is our page.
    args: ['--no-sandbox', '--disable-dev-shm-usage'],
  })

/** The address that a visualizer of this home prints. */
export async function startVisualizer(t: ExecutionContext, home: string, servers: readonly string[]): Promise<string> {
  const child = spawn(process.execPath, [shoal, 'visualizer', '--port', '0'], {
    env: { ...process.env, SHOAL_HOME: home, SHOAL_SERVERS: servers.join(',') },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  t.teardown(async () => {
    if (child.exitCode !== null) return
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  let output = ''
  for (const stream of [child.stdout, child.stderr]) stream.on('data', data => (output += data))
  return new Promise((resolve, reject) => {
    child.stdout.on('data', () => {
      const address = /http:\S+/.exec(output)?.[0]
      if (address) resolve(address)
    })
    child.on('exit', () => reject(new Error(`the visualizer ended: ${output}`)))
  })
}

export async function openPage(t: ExecutionContext, browser: Browser, address: string): Promise<Page> {
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 } })
  t.teardown(() => context.close())
  const page = await context.newPage()
  page.setDefaultTimeout(40_000)
  page.on('dialog', dialog => {
    t.fail(`the page asked: ${dialog.message()}`)
    void dialog.dismiss()
  })
  page.on('pageerror', error => t.fail(`the page broke: ${error.stack}`))
  page.on('console', message => {
    if (message.text().includes('Content Security Policy')) t.fail(message.text())
  })
  await page.goto(address)
  return page
}
