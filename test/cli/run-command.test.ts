import { join } from 'node:path'
import { PassThrough, Readable } from 'node:stream'
import test from 'ava'
import { openHome } from '../../src/actors/device/home.ts'
import { type Command, command } from '../../src/cli/command.ts'
import type { Context, DeviceContext } from '../../src/cli/context.ts'
import { createPasswords } from '../../src/cli/passwords.ts'
import { createDisplay } from '../../src/cli/render/display.ts'
import type { Result } from '../../src/cli/result.ts'
import { exitCodeOf, runCommand } from '../../src/cli/run-command.ts'
import { done, refusalCodes, refuse } from '../../src/domain/refusal.ts'
import { readAvailable } from '../helpers/read-stream.ts'
import { tempFolder } from '../helpers/temp-folder.ts'

/** Runs a made-up command as a process would, and tells what came of it. */
async function ran(
  folder: string,
  run: (context: Context) => Promise<Result<unknown>>,
  { order = {}, isShell = false, signal = new AbortController().signal } = {} as {
    order?: { typedPassword?: string; isClassic?: boolean }
    isShell?: boolean
    signal?: AbortSignal
  },
) {
  const doing: Command = command({
    name: 'try',
    summary: '',
    example: '',
    takesPassword: true,
    run,
    render: value => `did ${value}`,
  })
  const out = new PassThrough()
  const err = new PassThrough()
  const device: DeviceContext = {
    home: openHome(join(folder, 'home')),
    servers: [],
    advice: { noBroker: '', noTracker: '' },
    trust: async () => refuse('untrusted', 'nobody is trusted'),
    passwordSources: {},
    isShell,
    connect: async () => refuse('unreachable', 'no broker in this test'),
    disconnect: async () => {},
  }
  const code = await runCommand(
    { command: doing, input: {}, isClassic: false, ...order },
    device,
    createDisplay({ out, err }, false),
    signal,
  )
  return { code, out: readAvailable(out), err: readAvailable(err) }
}

test('A command that is done shows its result and exits with 0.', async t => {
  t.deepEqual(await ran(tempFolder(t), async () => done('it')), { code: 0, out: 'did it\n', err: '' })
})

test('A refusal is a line that says what to do, with the exit code of its kind.', async t => {
  const { code, out, err } = await ran(tempFolder(t), context => context.connect())
  t.deepEqual({ code, out, err }, { code: 3, out: '', err: 'shoal: no broker in this test\n' })
})

test('Exit codes are 2 for usage, 3 for unreachable, 130 for interrupted, 1 for every other code.', t => {
  const codes = Object.fromEntries(refusalCodes.map(code => [code, exitCodeOf(code)]))
  t.is(codes.usage, 2)
  t.is(codes.unreachable, 3)
  t.is(exitCodeOf('interrupted'), 130)
  for (const [code, exit] of Object.entries(codes)) if (code !== 'usage' && code !== 'unreachable') t.is(exit, 1)
})

test('Our own error classes speak for themselves, and other errors say that they are a fault.', async t => {
  const folder = tempFolder(t)
  const ours = await ran(folder, async () => {
    throw Object.assign(new Error('the library is in use'), { code: 'library-in-use' })
  })
  t.deepEqual(ours, { code: 1, out: '', err: 'shoal: the library is in use\n' })
  const other = await ran(folder, async () => {
    throw new TypeError('x is not a function')
  })
  t.is(other.code, 1)
  t.regex(other.err, /^shoal: something went wrong that should not: x is not a function/)
})

test('An interrupted command ends at once and says what continues without it.', async t => {
  const controller = new AbortController()
  const { code, err } = await ran(
    tempFolder(t),
    async context => {
      context.leavesBehind = 'download 3 goes on'
      setImmediate(() => controller.abort())
      return new Promise(() => {})
    },
    { signal: controller.signal },
  )
  t.is(code, 130)
  t.is(err, 'shoal: download 3 goes on\n')
})

test('A password on the command line is refused, but for the classic spelling inside the shell.', async t => {
  const folder = tempFolder(t)
  const ask = async (context: Context) => context.passwords.ask('alice', { isNew: false })
  const typed = { typedPassword: 'secret', isClassic: true }
  for (const wrong of [
    { order: typed, isShell: false },
    { order: { ...typed, isClassic: false }, isShell: true },
  ]) {
    const { code, out, err } = await ran(folder, ask, wrong)
    t.is(code, 2)
    t.regex(err, /SHOAL_PASSWORD/)
    t.notRegex(out + err, /secret/)
  }
  t.like(await ran(folder, ask, { order: typed, isShell: true }), { code: 0, out: 'did secret\n' })
})

test('Passwords come from what was typed, else standard input, else the environment, else a prompt.', async t => {
  const input = {
    async *[Symbol.asyncIterator]() {
      yield Buffer.from('out of standard input\r\nmore\n')
    },
  }
  const prompt = async () => 'out of the prompt'
  const from = async (sources: Parameters<typeof createPasswords>[0]) => {
    const answer = await createPasswords(sources).ask('alice', { isNew: true })
    return answer.ok ? answer.value : answer.code
  }
  const environment = 'out of the environment'
  t.is(await from({ typed: 'typed at the prompt', input, environment, prompt }), 'typed at the prompt')
  t.is(await from({ input, environment, prompt }), 'out of standard input')
  t.is(await from({ environment, prompt }), environment)
  t.is(await from({ prompt }), 'out of the prompt')
  t.is(await from({}), 'usage')
  t.is(await from({ environment: 'x'.repeat(1025) }), 'usage')
  t.is(await from({ typed: '' }), 'usage')
})

test('A new password is asked for twice, and both entries must match.', async t => {
  const answers = ['one coral reef', 'two coral reefs']
  const different = createPasswords({ prompt: async () => answers.shift()! })
  t.like(await different.ask('alice', { isNew: true }), { ok: false, code: 'usage' })
  const questions: string[] = []
  const prompt = async (question: string) => {
    questions.push(question)
    return 'same'
  }
  t.deepEqual(await createPasswords({ prompt }).ask('alice', { isNew: false }), done('same'))
  t.is(questions.length, 1)
})

test('A weak new password is refused before it is asked for again; one in use is not judged.', async t => {
  const questions: string[] = []
  const passwords = createPasswords({
    prompt: async question => {
      questions.push(question)
      return 'secret'
    },
  })
  t.like(await passwords.ask('alice', { isNew: true }), { ok: false, code: 'weak-password' })
  t.deepEqual(questions, ['New password for alice:'])
  t.deepEqual(await passwords.ask('alice', { isNew: false }), done('secret'))
})

test('A password that replaces another comes from the second line of the input, from its own variable, or is asked for.', async t => {
  const present = { isNew: false } as const
  const next = { isNew: true, replaces: true } as const
  const strong = 'three unrelated words of mine'
  const both = async (sources: Parameters<typeof createPasswords>[0]) => {
    const passwords = createPasswords(sources)
    return [await passwords.ask('alice', present), await passwords.ask('alice', next)]
  }
  const input = Readable.from([Buffer.from(`old\n${strong}\n`)])
  t.deepEqual(await both({ input }), [done('old'), done(strong)])
  t.deepEqual(await both({ environment: 'old', newEnvironment: strong }), [done('old'), done(strong)])
  const answers = [strong, strong]
  t.deepEqual(await both({ environment: 'old', prompt: async () => answers.shift()! }), [done('old'), done(strong)])
  const [, refused] = await both({ environment: 'old' })
  t.like(refused, { ok: false, code: 'usage' })
})

test('An empty password is refused with what to do: choose one, or type the right one.', async t => {
  let asked = 0
  const passwords = createPasswords({
    prompt: async () => {
      asked += 1
      return ''
    },
  })
  t.deepEqual(
    await passwords.ask('alice', { isNew: true }),
    refuse('usage', 'the password is empty; choose one of at least 8 characters'),
  )
  t.is(asked, 1, 'it is not asked for again')
  t.deepEqual(
    await passwords.ask('alice', { isNew: false }),
    refuse('usage', 'the password is empty; type the password of alice'),
  )
})
