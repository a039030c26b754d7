import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdirSync, readFileSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { join } from 'node:path'
import test, { type ExecutionContext } from 'ava'
import { freePort } from '../../src/cluster/free-port.ts'
import { lastOutput, type NodeProcess, pidOf, startProcess, stopProcess } from '../../src/cluster/node-process.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

function idler(t: ExecutionContext, script = 'setInterval(() => {}, 1000)'): NodeProcess {
  const folder = join(tempFolder(t), 'x1')
  const node = {
    name: 'x1',
    folder,
    program: process.execPath,
    args: ['-e', script, folder],
    identifyingArgs: [folder],
  }
  t.teardown(() => stopProcess(node, 'SIGKILL'))
  return node
}

test('A started process runs until it is stopped.', async t => {
  const node = idler(t)
  t.is(pidOf(node), undefined)
  startProcess(node)
  t.true(process.kill(pidOf(node)!, 0))
  await stopProcess(node, 'SIGTERM')
  t.is(pidOf(node), undefined)
})

test('Starting a running process does not start a second one.', t => {
  const node = idler(t)
  startProcess(node)
  const pid = pidOf(node)
  startProcess(node)
  t.is(pidOf(node), pid)
})

test('Another program that has the recorded process id is neither found nor stopped.', async t => {
  const node = idler(t)
  const stranger = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)'])
  t.teardown(() => stranger.kill('SIGKILL'))
  await once(stranger, 'spawn')
  mkdirSync(node.folder)
  for (const pid of [stranger.pid, 1, 0, -1]) {
    writeFileSync(join(node.folder, 'pid'), `${pid}`)
    t.is(pidOf(node), undefined)
    await stopProcess(node, 'SIGKILL')
  }
  t.is(stranger.exitCode, null)
  t.true(stranger.kill(0))
})

test('A process started by hand from its folder is found by the id it wrote itself.', async t => {
  const node = idler(t)
  mkdirSync(node.folder)
  const byHand = spawn(process.execPath, ['-e', 'setInterval(() => {}, 1000)', './x1'], {
    cwd: join(node.folder, '..'),
  })
  t.teardown(() => byHand.kill('SIGKILL'))
  await once(byHand, 'spawn')
  writeFileSync(join(node.folder, 'own.pid'), `${byHand.pid}`)
  t.is(pidOf(node), byHand.pid)
})

test('A killed process has released its port when its end is reported.', async t => {
  // One that the system gives to no outgoing connection of another test the moment it is let go of.
  const port = await freePort()
  const node = idler(
    t,
    `require('node:net').createServer().listen(${port}, '127.0.0.1', () => require('node:fs').writeFileSync('port', 'taken'))`,
  )
  startProcess(node)
  await readWhenThere(join(node.folder, 'port'))
  await stopProcess(node, 'SIGKILL')
  const server = createServer()
  t.teardown(() => server.close())
  server.listen(port, '127.0.0.1')
  await t.notThrowsAsync(once(server, 'listening'))
})

test('A process that cannot be started leaves the reason in its output.', async t => {
  const node = { ...idler(t), program: '/nowhere/nats-server' }
  startProcess(node)
  t.is(pidOf(node), undefined)
  while (lastOutput(node) === '') await new Promise(setImmediate)
  t.regex(lastOutput(node), /ENOENT/)
})

test('The last output is one line without control characters.', t => {
  const node = idler(t)
  mkdirSync(node.folder)
  writeFileSync(join(node.folder, 'output'), 'one\ntwo\n\u001b[31mthree\nfour\n')
  t.is(lastOutput(node), ' [31mthree / four')
})

async function readWhenThere(file: string): Promise<string> {
  for (;;) {
    try {
      const text = readFileSync(file, 'utf8')
      if (text !== '') return text
    } catch {}
    await new Promise(setImmediate)
  }
}
