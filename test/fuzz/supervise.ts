// Runs targets in a thread that can be ended at any point. A case that does not end, or needs more memory than is allowed,
// becomes a finding with its number, and the next target continues in a new thread.

import { once } from 'node:events'
import { Worker } from 'node:worker_threads'
import type { TargetReport } from './fuzz.ts'

/** The thread's input. */
export interface Work {
  /** The module that exports `targets`. */
  readonly module: string
  readonly names: readonly string[]
  readonly cases: number
  readonly seed: number
  /** Index of the target and number of the case, as Int32s; start time in ms, as a Float64. */
  readonly progress: SharedArrayBuffer
}

export interface SuperviseOptions extends Omit<Work, 'progress'> {
  onReport?(report: TargetReport): void
  /** A case takes well under 50 ms; a busy machine may delay one. */
  readonly caseWithinMs?: number
  /** Of the whole process. */
  readonly mostMemoryMiB?: number
}

const lookEveryMs = 100
const patience = { caseWithinMs: 10_000, mostMemoryMiB: 1_024 }

export async function supervise(options: SuperviseOptions): Promise<readonly TargetReport[]> {
  const reports: TargetReport[] = []
  while (reports.length < options.names.length) {
    const names = options.names.slice(reports.length)
    await runThread({ ...patience, ...options, names }, report => {
      reports.push(report)
      options.onReport?.(report)
    })
  }
  return reports
}

/** Resolves when the thread has run all targets, or ended at a case that it cannot survive. */
async function runThread(
  { module, names, cases, seed, caseWithinMs, mostMemoryMiB }: Required<Omit<SuperviseOptions, 'onReport'>>,
  tell: (report: TargetReport) => void,
): Promise<void> {
  const progress = new SharedArrayBuffer(16)
  const [place, beganAt] = [new Int32Array(progress, 0, 2), new Float64Array(progress, 8, 1)]
  const worker = new Worker(new URL('fuzz-worker.ts', import.meta.url), {
    workerData: { module, names, cases, seed, progress } satisfies Work,
    resourceLimits: { maxOldGenerationSizeMb: mostMemoryMiB / 2 },
  })
  const exited = once(worker, 'exit')
  let told = 0
  let broken: string | undefined
  worker.on('message', (report: TargetReport) => {
    told += 1
    tell(report)
  })
  worker.on('error', (error: Error) => {
    broken ??= error.message
  })
  const watching = setInterval(() => {
    const isLate = beganAt[0]! > 0 && Date.now() - beganAt[0]! > caseWithinMs
    const isLarge = process.memoryUsage.rss() > mostMemoryMiB * 2 ** 20
    if (!isLate && !isLarge) return
    // If this check came late and both hold, memory is the cause.
    broken ??= isLarge ? `more than ${mostMemoryMiB} MiB of memory` : `it does not end within ${caseWithinMs} ms`
    void worker.terminate()
  }, lookEveryMs)
  try {
    await exited
  } finally {
    clearInterval(watching)
  }
  if (broken === undefined && told === names.length) return
  const number = place[1]!
  const target = names[told]!
  tell({
    target,
    cases: Math.max(0, number),
    taken: 0,
    slowestMs: beganAt[0]! > 0 ? Date.now() - beganAt[0]! : 0,
    finding: {
      target,
      case: number < 0 ? `${-number}. of the corpus and its own values` : `case ${number}`,
      input: undefined,
      error: new Error(broken ?? 'the thread ended'),
    },
  })
}
