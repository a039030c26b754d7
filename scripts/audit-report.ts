// What `npm audit --json` found: known vulnerabilities, and which packages have them; or that the registry did not answer.

import { z } from 'zod'

/** Version 2 of npm's report, as far as it is used. `nodes` are paths of package-lock.json. */
const reportSchema = z.object({
  auditReportVersion: z.literal(2),
  vulnerabilities: z.record(
    z.string(),
    z.object({
      severity: z.string(),
      range: z.string(),
      nodes: z.array(z.string()),
      /** Advisories; a string names a package in between. */
      via: z.array(z.union([z.string(), z.object({ title: z.string(), url: z.string() })])),
    }),
  ),
})

/** npm's answer when the registry refuses, cannot be reached, or has no advisories. */
const failureSchema = z.object({ message: z.string(), statusCode: z.number().optional() })

export interface AuditFinding {
  /** One line: the package, its versions, how severe, and the advisories. */
  readonly text: string
  /** Where package-lock.json has the package. */
  readonly paths: readonly string[]
}

export type AuditOutcome =
  | { readonly outcome: 'audited'; readonly findings: readonly AuditFinding[] }
  | { readonly outcome: 'not-audited'; readonly why: string }

/** `output` is what `npm audit --json` printed. */
export function readAudit(output: string): AuditOutcome {
  const answer = parsed(output)
  const report = reportSchema.safeParse(answer)
  if (!report.success) return { outcome: 'not-audited', why: reasonOf(answer) }
  const findings = Object.entries(report.data.vulnerabilities).map(([name, { severity, range, nodes, via }]) => {
    const advisories = via.map(each => (typeof each === 'string' ? `through ${each}` : `${each.title}, ${each.url}`))
    return { text: `${name} ${range} (${severity}): ${advisories.join('; ')}`, paths: nodes }
  })
  return { outcome: 'audited', findings }
}

function parsed(output: string): unknown {
  try {
    return JSON.parse(output)
  } catch {
    return undefined
  }
}

function reasonOf(answer: unknown): string {
  const failure = failureSchema.safeParse(answer)
  if (!failure.success) return 'npm gave no report'
  const { message, statusCode } = failure.data
  if (statusCode === undefined) return message.slice(0, 200)
  const hasNone = [404, 405, 501].includes(statusCode)
  return hasNone ? `this registry offers no audit (${statusCode})` : `the registry answered with ${statusCode}`
}
