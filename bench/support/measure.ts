// Runs a micro-benchmark's tasks and prints one line each: the median, in the task's own unit.

import { Bench } from 'tinybench'

export interface Task {
  readonly name: string
  /** How many of `unit` one run does; the line says how many a second. */
  readonly amount: number
  readonly unit: string
  run(): unknown
  /** Runs before each run and is not measured. */
  before?(): void
}

export async function measure(tasks: readonly Task[]): Promise<void> {
  const bench = new Bench({ time: 1_500, iterations: 5, warmupTime: 300, warmupIterations: 1 })
  for (const { name, run, before } of tasks) bench.add(name, () => void run(), before ? { beforeEach: before } : {})
  await bench.run()
  for (const { name, amount, unit } of tasks) {
    const { result } = bench.getTask(name)!
    if (result.state !== 'completed') throw new Error(`${name}: ${'error' in result ? result.error : result.state}`)
    const perSecond = (amount / result.latency.p50) * 1000
    console.log(`${name.padEnd(60)} ${perSecond.toLocaleString('en', { maximumFractionDigits: 0 })} ${unit}/s`)
  }
}
