import test from 'ava'
import { readAudit } from '../../scripts/audit-report.ts'

/** As npm 11 prints it, shortened. */
const report = JSON.stringify({
  auditReportVersion: 2,
  vulnerabilities: {
    ws: {
      name: 'ws',
      severity: 'high',
      isDirect: true,
      via: [
        {
          source: 1,
          name: 'ws',
          title: 'ws can be crashed',
          url: 'https://example.org/1',
          severity: 'high',
          range: '<8.17.1',
        },
      ],
      effects: [],
      range: '<8.17.1',
      nodes: ['node_modules/ws'],
      fixAvailable: true,
    },
    ava: {
      name: 'ava',
      severity: 'low',
      isDirect: true,
      via: ['glob'],
      effects: [],
      range: '*',
      nodes: ['node_modules/ava'],
      fixAvailable: false,
    },
  },
  metadata: { vulnerabilities: { info: 0, low: 1, moderate: 0, high: 1, critical: 0, total: 2 } },
})

test('Each finding is one line with its advisories, and says where the lock file has the package.', t => {
  t.deepEqual(readAudit(report), {
    outcome: 'audited',
    findings: [
      { text: 'ws <8.17.1 (high): ws can be crashed, https://example.org/1', paths: ['node_modules/ws'] },
      { text: 'ava * (low): through glob', paths: ['node_modules/ava'] },
    ],
  })
})

test('A report without vulnerabilities is an audit.', t => {
  const clean = JSON.stringify({ auditReportVersion: 2, vulnerabilities: {}, metadata: {} })
  t.deepEqual(readAudit(clean), { outcome: 'audited', findings: [] })
})

test('A registry without audits, one that cannot be reached, and anything else are no audit, and say why.', t => {
  const cases: [output: string, why: RegExp][] = [
    ['{ "message": "405 Method Not Allowed", "statusCode": 405, "body": "", "error": {} }', /offers no audit \(405\)/],
    ['{ "message": "404 Not Found", "statusCode": 404, "error": {} }', /offers no audit \(404\)/],
    ['{ "message": "503 Service Unavailable", "statusCode": 503, "error": {} }', /answered with 503/],
    ['{ "message": "request failed, reason: connect ECONNREFUSED", "error": {} }', /ECONNREFUSED/],
    ['{ "vulnerabilities": {} }', /no report/],
    ['<html>', /no report/],
    ['', /no report/],
  ]
  for (const [output, why] of cases) {
    const audit = readAudit(output)
    t.is(audit.outcome, 'not-audited', output)
    if (audit.outcome === 'not-audited') t.regex(audit.why, why)
  }
})
