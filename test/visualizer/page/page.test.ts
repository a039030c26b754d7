// The page in a real browser, on real brokers and real downloads.

import anyTest, { type ExecutionContext, type TestFn } from 'ava'
import type { Browser, Page } from 'playwright-core'
import type { Chromium } from '../../../scripts/setup/chromium.ts'
import { type AgentDevice, agentDevice, randomFile } from '../../helpers/agent-device.ts'
import { aBrowser, launch, openPage, startVisualizer } from '../../helpers/browser-page.ts'
import { startCluster, type TestCluster } from '../../helpers/cluster.ts'
import { granted } from '../../helpers/granted.ts'
import { admit, person } from '../../helpers/person.ts'
import { withShared } from '../../helpers/with-shared.ts'

/** What the functions that run in the page use of it; this file runs on Node, whose libraries are others. */
interface Element {
  textContent: string
  width: number
  height: number
  style: { color: string }
  getAttribute(name: string): string | null
  append(child: Element): void
  remove(): void
  getContext(kind: '2d'): {
    getImageData(...box: number[]): { data: Uint8ClampedArray; width: number; height: number }
  }
}
declare const document: {
  body: Element
  querySelector(selector: string): Element | null
  createElement(name: string): Element
}
declare const MutationObserver: new (look: () => void) => { observe(element: Element, options: object): void }
declare const getComputedStyle: (element: Element) => { color: string }

interface Shared {
  cluster: TestCluster
  browser: Browser
}

const found = await aBrowser()
const all = anyTest as TestFn<Shared>
const test = found ? withShared(all.serial as TestFn<Shared>, t => browserAndCluster(t, found)) : all.skip

async function browserAndCluster(t: ExecutionContext, program: Chromium): Promise<Shared> {
  const [cluster, browser] = await Promise.all([startCluster(t), launch(program)])
  t.teardown(() => browser.close())
  return { cluster, browser }
}

const MB = 1_000_000
const hostileName = '<img src=x onerror=alert(1)>&amp;.mkv'

function tellEachOther(...devices: AgentDevice[]) {
  const seen = Math.max(...devices.flatMap(({ home, person }) => [home.seen(), person.trackers.seen]))
  for (const { home, person } of devices) {
    home.saveSeen(seen)
    person.trackers.advance(seen)
  }
}

/** People of one group; the first one owns it. The second runs in a process of its own. */
async function people(t: ExecutionContext<Shared>, group: string, ...names: string[]) {
  const { servers } = t.context.cluster
  const devices: AgentDevice[] = []
  for (const [index, name] of names.entries()) {
    const one = await person(t, servers, name)
    if (index === 0) granted(await one.trackers.ask('group.create', { group }))
    else await admit(devices[0]!.person, group, one)
    devices.push(await agentDevice(t, servers, one, { ownProcess: index === 1 }))
  }
  return devices as [AgentDevice, AgentDevice, ...AgentDevice[]]
}

async function shareAndDownload(devices: AgentDevice[], to: AgentDevice, group: string, name: string, size: number) {
  const [owner, other] = devices as [AgentDevice, AgentDevice]
  const path = randomFile(owner.folder, 'source', size)
  await owner.ask('share', { path, group, name })
  if (other !== to) {
    tellEachOther(...devices)
    await other.ask('share', { path, group, name })
  }
  tellEachOther(...devices)
  return to.ask('download', { group, name, destination: to.folder, overwrite: false })
}

const limitUp = (device: AgentDevice, up: number) => device.ask('limits.change', { up })

/** Every different text of `selector`'s attribute from now on, in order. */
async function record(page: Page, selector: string, attribute: string): Promise<() => Promise<string[]>> {
  await page.evaluate(
    ([selector, attribute]) => {
      const seen: string[] = []
      Object.assign(globalThis, { seen })
      const look = () => {
        const now = document.querySelector(selector!)?.getAttribute(attribute!)
        if (now && now !== seen.at(-1)) seen.push(now)
      }
      new MutationObserver(look).observe(document.body, { subtree: true, childList: true, attributes: true })
      look()
    },
    [selector, attribute],
  )
  return () => page.evaluate(() => (globalThis as unknown as { seen: string[] }).seen)
}

/** The colours in the middle of each piece's cell, and the theme's names for them. */
const piecesByColour = (page: Page) =>
  page.evaluate(() => {
    const canvas = document.querySelector('.piece-map canvas')!
    const context = canvas.getContext('2d')
    const { data, width, height } = context.getImageData(0, 0, canvas.width, canvas.height)
    const probe = document.createElement('span')
    document.body.append(probe)
    const counted: Record<string, number> = {}
    for (const name of ['peer-0', 'peer-1', 'peer-2', 'piece-missing', 'piece-nowhere']) {
      probe.style.color = `var(--${name})`
      const [red, green, blue] = getComputedStyle(probe).color.match(/\d+/g)!.map(Number)
      let pixels = 0
      for (let at = 0; at < width * height * 4; at += 4)
        if (data[at] === red && data[at + 1] === green && data[at + 2] === blue) pixels += 1
      counted[name] = pixels
    }
    probe.remove()
    return counted
  })

test('The page shows a download from first state to last, with pieces by peer, and no downloads of other users.', async t => {
  const { cluster, browser } = t.context
  const devices = await people(t, 'reef', 'alice', 'bob', 'carol')
  const [alice, bob, carol] = devices as [AgentDevice, AgentDevice, AgentDevice]
  await Promise.all([limitUp(alice, 8 * MB), limitUp(bob, 8 * MB)])
  const page = await openPage(t, browser, await startVisualizer(t, carol!.home.folder, cluster.servers))
  await page.waitForSelector('[data-source="live"]')
  await page.keyboard.press('2')
  await page.waitForSelector('.actor-row')
  const states = await record(page, '.panel.chart [data-state]', 'data-state')

  // A stranger's, at the same time.
  const [mallory, eve] = await people(t, 'cove', 'mallory', 'eve')
  const theirs = await shareAndDownload([mallory, eve], eve, 'cove', 'secret.bin', MB)

  const { id } = await shareAndDownload(devices, carol, 'reef', hostileName, 24 * MB)
  await page.waitForSelector('[data-node="download.fetching.transferring"][data-active="true"]')
  const done = await carol.until(id, ({ state }) => state === 'completed')
  t.is((await eve.until(theirs.id, ({ state }) => state === 'completed')).state, 'completed')

  await page.keyboard.press('1')
  await page.waitForSelector('.swarm .state-completed')
  const seen = (await states()).map(words => words.split(' · ').at(-1)!)
  const order = ['preparing', 'locating', 'transferring', 'verifying', 'finishing', 'settling', 'completed', 'done']
  const ofDownload = seen.filter(state => order.includes(state))
  t.true(ofDownload.includes('transferring'), seen.join())
  t.deepEqual(
    ofDownload,
    [...ofDownload].sort((one, two) => order.indexOf(one) - order.indexOf(two)),
    seen.join(),
  )

  for (const { user, pieces } of done.deliveries)
    t.is(await page.textContent(`[data-peer="${user}"] [data-column="pieces"]`), String(pieces), user)
  t.deepEqual(done.deliveries.map(({ user }) => user).sort(), ['alice', 'bob'])
  const colours = await piecesByColour(page)
  const rows = await page.locator('[data-peer]').evaluateAll(rows => rows.map(row => row.getAttribute('data-peer')))
  const coloured = Object.values(colours).reduce((sum, pixels) => sum + pixels, 0)
  for (const { user, pieces } of done.deliveries) {
    const share = colours[`peer-${rows.indexOf(user)}`]! / coloured
    t.true(Math.abs(share - pieces / done.pieces.total) < 0.03, `${user} ${pieces}: ${JSON.stringify(colours)}`)
  }
  t.is(colours['piece-missing'], 0)
  t.is(colours['piece-nowhere'], 0)

  t.is(await page.textContent('.swarm h2'), hostileName)
  t.is(await page.locator('main img').count(), 0)

  t.is(await page.getByText('secret.bin').count(), 0)
  await page.keyboard.press('2')
  await page.fill('#filter', 'eve')
  await page.getByText('No actor matches.').waitFor()
  await page.fill('#filter', 'carol')
  await page.waitForSelector('.actor-row')

  // A recording can be saved, and opened again from the file alone.
  const [saved] = await Promise.all([page.waitForEvent('download'), page.click('text=Save recording')])
  await page.keyboard.press('1')
  await page.reload()
  const path = await saved.path()
  await page.setInputFiles('#open', path)
  await page.waitForSelector('[data-source="recording"]')
  await page.waitForSelector('.swarm .state-completed')
  await page.locator('.timeline input').fill('0')
  await page.waitForSelector('.swarm .state-completed', { state: 'detached' })
})

test('The page shows a killed peer and a killed broker, and continues to watch.', async t => {
  const { cluster, browser } = t.context
  const devices = await people(t, 'lagoon', 'ann', 'ben', 'cat')
  const [ann, ben, cat] = devices as [AgentDevice, AgentDevice, AgentDevice]
  await Promise.all([limitUp(ann, MB), limitUp(ben, MB)])
  const page = await openPage(t, browser, await startVisualizer(t, cat.home.folder, cluster.servers))
  const { id } = await shareAndDownload(devices, cat, 'lagoon', 'long.bin', 200 * MB)
  await page.waitForSelector('[data-peer="ben"][data-state="ready"]')
  await page.getByText(/(ann|ben) is limited to 977 KiB\/s/).waitFor()
  await ben.kill()
  await page.waitForSelector('[data-peer="ben"]:not([data-state="ready"]):not([data-state="waiting"])')
  await page.waitForSelector('[data-peer="ann"][data-state="ready"]')

  const sources = await record(page, '[data-source]', 'data-source')
  for (const node of ['n1', 'n2', 'n3']) {
    await cluster.kill(node)
    await cluster.start(node)
    if ((await sources()).includes('reconnecting')) break
  }
  t.true((await sources()).includes('reconnecting'))
  await page.waitForSelector('[data-source="live"]')
  const before = await page.textContent('.figures')
  await page.waitForFunction(before => document.querySelector('.figures')?.textContent !== before, before)
  await cat.ask('cancel', { id })
  await page.waitForSelector('.swarm .state-cancelled')
})
