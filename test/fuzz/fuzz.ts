// Runs targets with seeded cases. A case depends only on the seed, the target and its number, so any case can be made
// again. Past findings are kept in corpus/ and tried first, then the target's own values unchanged: however few cases a
// run makes, it shows whether a target accepts anything.

import { existsSync, readFileSync } from 'node:fs'
import { seededRandom } from '../helpers/seeded-random.ts'
import { mutate } from './mutate.ts'
import type { Target } from './target.ts'

export interface Finding {
  readonly target: string
  /** Why it is in the corpus, which of the target's own values it is, or the number of the case. */
  readonly case: string
  /** Undefined if the case never ended; its number makes it again. */
  readonly input: Buffer | undefined
  readonly error: Error
}

export interface TargetReport {
  readonly target: string
  readonly cases: number
  readonly taken: number
  readonly slowestMs: number
  readonly finding: Finding | undefined
}

const corpusFile = new URL('corpus/messages.jsonl', import.meta.url)

/** Messages that once caused a fault, or that are worth trying on every target; base64, with the reason. */
const corpus: readonly { readonly why: string; readonly input: Buffer }[] = existsSync(corpusFile)
  ? readFileSync(corpusFile, 'utf8')
      .trim()
      .split('\n')
      .map(line => {
        const { why, input } = JSON.parse(line) as { why: string; input: string }
        return { why, input: Buffer.from(input, 'base64') }
      })
  : []

const hash = (text: string): number => [...text].reduce((sum, letter) => (sum * 31 + letter.charCodeAt(0)) | 0, 7)

/** Stops at the first finding. `onCase` is called before each case; numbers below 0 are the corpus and the target's own values. */
export async function fuzz(
  target: Target,
  cases: number,
  seed: number,
  onCase: (number: number) => void = () => {},
): Promise<TargetReport> {
  let taken = 0
  let slowestMs = 0
  let tried = 0
  const attempt = async (number: number, name: string, input: Buffer): Promise<Finding | undefined> => {
    tried += 1
    onCase(number)
    const began = performance.now()
    try {
      const took = target.take(input)
      if (typeof took === 'boolean' ? took : await took) taken += 1
      return undefined
    } catch (error) {
      return { target: target.name, case: name, input, error: error as Error }
    } finally {
      slowestMs = Math.max(slowestMs, performance.now() - began)
    }
  }
  const report = (finding: Finding | undefined) => ({ target: target.name, cases: tried, taken, slowestMs, finding })
  for (const { why, input } of corpus) {
    const finding = await attempt(-1 - tried, why, input)
    if (finding) return report(finding)
  }
  const right: unknown[] = []
  for (const [index, value] of target.valid.entries()) {
    const takenBefore = taken
    const finding = await attempt(-1 - tried, `own value ${index + 1}`, Buffer.from(JSON.stringify(value)))
    if (finding) return report(finding)
    if (taken > takenBefore) right.push(value)
  }
  const most = Math.ceil(cases * (target.share ?? 1))
  for (let number = 0; number < most; number += 1) {
    const random = seededRandom(seed ^ hash(target.name) ^ Math.imul(number, 0x9e3779b1))
    const input = mutate(right.length > 0 && random() < 0.8 ? right : target.valid, random)
    const finding = await attempt(number, `case ${number}`, input)
    if (finding) return report(finding)
  }
  return report(undefined)
}
