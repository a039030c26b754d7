// Finds a browser for the tests and benchmarks of the visualizer's page: the one named in SHOAL_CHROMIUM, one on the PATH,
// the one fetched before, else Debian's package with the libraries that this machine lacks. Those are unpacked into a cache
// folder: nothing is installed, and no administrator's rights are needed. Returns the reason where there is none.

import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, readdirSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { onlyVerified } from './apt.mjs'
import { step } from './step.mjs'

export interface Chromium {
  readonly program: string
  /** What it needs beside this process's environment. */
  readonly env: Readonly<Record<string, string>>
}

/** The part without windows: a third of the whole's size. */
const packageName = 'chromium-headless-shell'
const programs = [packageName, 'chromium', 'google-chrome']
/** The package depends on it; a browser driven by tests does not need it. */
const useless = new Set(['xdg-utils'])

const defaultCache = fileURLToPath(new URL('../../.cache', import.meta.url))
const run = promisify(execFile)

/** Or why there is none. */
export async function findChromium(cache = defaultCache, env = process.env): Promise<Chromium | { why: string }> {
  const named = env.SHOAL_CHROMIUM
  if (named) {
    const problem = await tryOut({ program: named, env: {} })
    return problem === undefined ? { program: named, env: {} } : { why: `SHOAL_CHROMIUM: ${problem}` }
  }
  for (const program of programs) {
    if ((await tryOut({ program, env: {} })) === undefined) return { program: await pathOf(program), env: {} }
  }
  const folder = join(cache, 'chromium')
  if (existsSync(folder)) {
    const cached = unpackedIn(folder)
    if ((await tryOut(cached)) === undefined) return cached
    rmSync(folder, { recursive: true, force: true })
  }
  return step('fetching a browser for the tests with apt', () => fetchFromApt(folder))
}

async function fetchFromApt(folder: string): Promise<Chromium | { why: string }> {
  const work = `${folder}.${process.pid}`
  try {
    mkdirSync(join(work, 'lists/partial'), { recursive: true })
    mkdirSync(join(work, 'root'), { recursive: true })
    // The machine's own lists may be missing or out of date: then fresh ones are read, into a folder of ours.
    const fresh = ['-o', `Dir::State::Lists=${join(work, 'lists')}`]
    const own = ['-o', `Dir::Cache=${work}`, '-o', 'APT::Sandbox::User=root', '-o', 'Debug::NoLocking=true']
    const cached = [...own, ...onlyVerified]
    try {
      await download(work, cached)
    } catch {
      await run('apt-get', [...cached, ...fresh, '-o', 'Acquire::Languages=none', 'update'])
      await download(work, [...cached, ...fresh])
    }
    for (const file of readdirSync(work).filter(name => name.endsWith('.deb')))
      await run('dpkg', ['-x', join(work, file), join(work, 'root')])
    writeFileSync(join(work, 'root', 'fonts.conf'), fontsConfig(folder))
    rmSync(folder, { recursive: true, force: true })
    renameSync(join(work, 'root'), folder)
    const found = unpackedIn(folder)
    const problem = await tryOut(found)
    return problem === undefined ? found : { why: problem }
  } catch (error) {
    return { why: `apt has no ${packageName} for this machine: ${lastLine(error)}` }
  } finally {
    rmSync(work, { recursive: true, force: true })
  }
}

/** The package and what it needs that is not installed here. */
async function download(work: string, options: readonly string[]) {
  const simulated = ['install', '--simulate', '--no-install-recommends', packageName]
  const { stdout } = await run('apt-get', [...options, ...simulated])
  const missing = [...stdout.matchAll(/^Inst (\S+)/gm)].map(([, name]) => name!).filter(name => !useless.has(name))
  await run('apt-get', [...options, 'download', ...missing], { cwd: work })
}

function unpackedIn(folder: string): Chromium {
  const libraries = ['usr/lib', 'lib'].flatMap(name => foldersWithLibraries(join(folder, name)))
  const env: Record<string, string> = { LD_LIBRARY_PATH: libraries.join(':') }
  if (!existsSync('/etc/fonts/fonts.conf')) env.FONTCONFIG_FILE = join(folder, 'fonts.conf')
  return { program: join(folder, 'usr/lib/chromium', packageName), env }
}

/** All but the browser's own folder, where it looks anyway. */
function foldersWithLibraries(folder: string): string[] {
  if (!existsSync(folder)) return []
  const entries = readdirSync(folder, { withFileTypes: true })
  const below = entries.filter(entry => entry.isDirectory() && entry.name !== 'chromium')
  const own = entries.some(({ name }) => /\.so(\.|$)/.test(name)) ? [folder] : []
  return [...own, ...below.flatMap(({ name }) => foldersWithLibraries(join(folder, name)))]
}

const fontsConfig = (folder: string) => `<?xml version="1.0"?>
<fontconfig><dir>/usr/share/fonts</dir><dir>${folder}/usr/share/fonts</dir><cachedir>${folder}/fonts</cachedir></fontconfig>
`

/** What is wrong with it. */
async function tryOut({ program, env }: Chromium): Promise<string | undefined> {
  try {
    await run(program, ['--no-sandbox', '--dump-dom', 'about:blank'], { env: { ...process.env, ...env } })
    return undefined
  } catch (error) {
    return `${program} does not run here: ${lastLine(error)}`
  }
}

async function pathOf(program: string): Promise<string> {
  const { stdout } = await run('sh', ['-c', `command -v ${program}`])
  return stdout.trim()
}

const lastLine = (error: unknown) =>
  String((error as Error).message)
    .trim()
    .split('\n')
    .at(-1)!
