// How smoothly the visualizer's page draws, and how soon it appears, in headless Chromium. Plays a made-up recording of 200
// machines that step twice a second and a download of 10,000 pieces from 20 peers that reports twice a second.

import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { chromium } from 'playwright-core'
import { findChromium } from '../scripts/setup/chromium.ts'
import { layOut } from '../src/charts/lay-out.ts'
import { pageFolder } from '../src/cluster/package-root.ts'
import { downloadSessionMachine } from '../src/machines/download-session.ts'
import { openPageServer } from '../src/visualizer/server/page-server.ts'
import { readHead, replayRoutes } from '../src/visualizer/server/replay.ts'
import { pieceStates } from '../src/wire/inspected-download.ts'
import { workFolder } from './support/random-file.ts'

const machines = 200
const pieces = 10_000
const peers = 20
const seconds = 30
const measuredMs = 5_000
const states = ['engaged', 'backingOff', 'closed']

const browser = await findChromium()
if ('why' in browser) throw new Error(browser.why)

const chart = await layOut(downloadSessionMachine)
const recording = makeRecording()
const file = join(workFolder(), 'made-up.recording')
writeFileSync(file, recording)
const head = await readHead(file)
if (!head.ok) throw new Error(head.message)
const server = await openPageServer({ host: '127.0.0.1', port: 0, folder: pageFolder }, () =>
  replayRoutes(file, head.value, [chart]),
)

const running = await chromium.launch({
  executablePath: browser.program,
  env: { ...process.env, ...browser.env },
  args: ['--no-sandbox'],
})
try {
  const page = await running.newPage({ viewport: { width: 1280, height: 800 } })
  await page.goto(server.address)
  await page.waitForSelector('.swarm')
  const painted = await page.evaluate(() => performance.getEntriesByName('first-contentful-paint')[0]?.startTime ?? 0)
  console.log(`first paint after ${painted.toFixed(0)} ms; a recording of ${(recording.length / 1e6).toFixed(0)} MB`)
  for (const [index, name] of ['downloads', 'machines', 'messages'].entries()) {
    await page.locator('.timeline input').fill('0')
    await page.locator('nav a').nth(index).click()
    await page.locator('.timeline button', { hasText: 'Play' }).click()
    const frames = await page.evaluate(framesFor, measuredMs)
    const sorted = frames.toSorted((one, two) => one - two)
    const at = (part: number) => sorted[Math.floor(part * (sorted.length - 1))]!.toFixed(1)
    console.log(`${name}: ${frames.length} frames, median ${at(0.5)} ms, 95 % ${at(0.95)} ms, longest ${at(1)} ms`)
    await page.locator('.timeline button', { hasText: 'Pause' }).click()
  }
} finally {
  await running.close()
  await server.close()
}

/** Runs in the page. */
function framesFor(ms: number): Promise<number[]> {
  const { requestAnimationFrame: next } = globalThis as unknown as {
    requestAnimationFrame(frame: (now: number) => void): void
  }
  return new Promise(resolve => {
    const frames: number[] = []
    let begun = 0
    let last = 0
    const frame = (now: number) => {
      if (last > 0) frames.push(now - last)
      begun ||= now
      last = now
      if (now - begun < ms) next(frame)
      else resolve(frames)
    }
    next(frame)
  })
}

function makeRecording(): string {
  const startedAt = Date.now()
  let n = 0
  const lines = [JSON.stringify({ shoalRecording: 1, startedAt, version: 'bench', you: null })]
  const say = (ms: number, about: string, content: object) =>
    lines.push(
      JSON.stringify({
        type: 'message',
        ms,
        subject: `shoal.inspect.alice.aaaaaaaaaaaa.${about}`,
        message: { run: '0123456789abcdef', n: n++, at: startedAt + ms, ...content },
      }),
    )
  const actor = (index: number, ms: number, step: number) => ({
    id: `x:${index}`,
    parent: index === 0 ? null : 'x:0',
    name: `session:peer${index}/aaaaaaaaaaaa`,
    kind: 'machine',
    machine: chart.id,
    status: 'active',
    state: states[step % 2],
    context: { step, index },
    error: null,
    at: startedAt + ms,
  })
  const map = new Uint8Array(pieces)
  for (let ms = 0; ms < seconds * 1000; ms += 500) {
    const step = ms / 500
    for (let index = 0; index < machines; index += 1)
      say(ms + index, `a${index}`, {
        kind: 'step',
        actor: actor(index, ms + index, step),
        event: 'connection.ended',
        from: null,
        transitions: [],
        merged: 1,
      })
    const messages = Array.from({ length: 100 }, (_, index) => {
      return { at: startedAt + ms, from: `x:${index}`, to: `x:${index + 1}`, event: 'piece.wanted', count: 1 }
    })
    say(ms + machines, 'messages', { kind: 'messages', messages, omitted: 0 })
    const done = Math.floor((pieces * (ms + 500)) / (seconds * 1000))
    for (let piece = 0; piece < done; piece += 1) map[piece] ||= pieceStates.firstPeer + ((piece * 7) % peers)
    say(ms + machines + 1, 'd1', {
      kind: 'download',
      download: 1,
      actor: null,
      group: 'reef',
      name: 'bench.bin',
      state: 'downloading',
      bytes: { done: done * 1e6, total: pieces * 1e6, fetched: done * 1e6 },
      pieces: { done, total: pieces },
      pieceLength: 1e6,
      bytesPerSecond: 1e8,
      secondsLeft: 10,
      limits: { up: null, down: null, connections: null },
      pieceMap: Buffer.from(map).toString('base64'),
      availability: Buffer.alloc(pieces, 3).toString('base64'),
      peers: Array.from({ length: peers }, (_, index) => ({
        user: `peer${index}`,
        device: 'aaaaaaaaaaaa',
        state: 'ready',
        via: 'direct',
        bytesPerSecond: 5e6 + 1e6 * Math.sin(step + index),
        pieces: Math.floor(done / peers),
        bytes: done * 5e4,
        inFlight: [done + index],
        has: pieces,
        limit: null,
        why: null,
      })),
      sharers: { all: peers, online: peers },
      waits: [],
    })
  }
  return `${lines.join('\n')}\n`
}
