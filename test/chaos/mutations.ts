// Proves that a run can fail: runs against a copy of the product that breaks one promise. The copy is made in a temporary
// folder and removed; the product itself has no such switch.

import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'

const root = join(import.meta.dirname, '../..')

interface Edit {
  readonly file: string
  readonly from: string
  readonly to: string
}

const mutations: Readonly<Record<string, readonly Edit[]>> = {
  /** Appends without the expected sequence of the state that the decision was made from. */
  'expected-sequence': [
    { file: 'src/actors/tracker/event-log.ts', from: 'expect: { lastSubjectSequence: lastSequence },', to: '' },
  ],
  /** Answers when the brokers have the record, before the tracker's own projection has it. */
  'early-reply': [
    {
      file: 'src/actors/tracker/commit.ts',
      from: 'await progress.reached(append.seq, giveUpAt - performance.now())\n          break',
      to: 'return done(null)',
    },
  ],
  /** Asking twice acts twice: neither trackers nor brokers check the id. */
  'request-id': [
    {
      file: 'src/actors/tracker/commit.ts',
      from: 'while (projection.handledAt(id) === undefined) {',
      to: 'for (;;) {',
    },
    {
      file: 'src/actors/tracker/commit.ts',
      from: 'await progress.reached(append.seq, giveUpAt - performance.now())\n          break',
      to: 'await progress.reached(append.seq, giveUpAt - performance.now())\n          return done(null)',
    },
    { file: 'src/actors/tracker/event-log.ts', from: 'msgID: record.id,', to: '' },
  ],
}

/** The run's own exit code: 1 if it found the broken promise; 2 for an unknown mutation. */
export async function runBroken(name: string, args: readonly string[]): Promise<number> {
  const edits = mutations[name]
  if (!edits) {
    console.error(`--break takes one of: ${Object.keys(mutations).join(', ')}`)
    return 2
  }
  const copy = mkdtempSync(join(tmpdir(), 'shoal-broken-'))
  try {
    for (const part of ['src', 'bin', 'config', 'nats-server.conf', 'package.json'])
      cpSync(join(root, part), join(copy, part), { recursive: true })
    for (const part of ['node_modules', '.cache']) symlinkSync(join(root, part), join(copy, part))
    for (const { file, from, to } of edits) {
      const text = readFileSync(join(copy, file), 'utf8')
      if (text.split(from).length !== 2) throw new Error(`bug: ${file} does not have this once: ${from}`)
      writeFileSync(join(copy, file), text.replace(from, to))
    }
    console.log(`broken on purpose: ${name}`)
    const kept = args.filter((arg, index) => arg !== '--break' && args[index - 1] !== '--break')
    const program = [join(import.meta.dirname, 'run.ts'), ...kept, '--source', copy]
    const run = spawn(process.execPath, program, { stdio: 'inherit' })
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => run.kill(signal))
    const [code] = (await once(run, 'exit')) as [number | null]
    return code ?? 1
  } finally {
    rmSync(copy, { recursive: true, force: true })
  }
}
