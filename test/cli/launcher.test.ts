import { execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import test from 'ava'
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

function run(args: string[]): Promise<{ code: number; stdout: string; stderr: string }> {
  const { promise, resolve } = Promise.withResolvers<{ code: number; stdout: string; stderr: string }>()
  execFile(process.execPath, args, (error, stdout, stderr) =>
    resolve({ code: error ? Number(error.code) : 0, stdout, stderr }),
  )
  return promise
}

for (const [which, options] of [
  ['this Node', []],
  ['an old Node', asOldNode],
] as const) {
  test(`on ${which} the command line runs without a warning`, async t => {
    const { code, stdout, stderr } = await run([...options, launcher, '--version'])
    t.deepEqual({ code, stderr }, { code: 0, stderr: '' })
    t.regex(stdout, /^\d+\.\d+\.\d+\n$/)
  })

  test(`on ${which} the exit code is the command's`, async t => {
    const { code } = await run([...options, launcher, 'no-such-command'])
    t.is(code, 2)
  })
}

test('on an old Node a signal to the launcher ends the command', async t => {
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
  // Standard error ends when everybody who holds it is gone: the tracker, not the launcher alone.
  const [[code]] = await Promise.all([once(child, 'exit'), once(child.stderr, 'end')])
  t.is(code, 0)
  t.regex(log, /"state":"stopped"/)
})
